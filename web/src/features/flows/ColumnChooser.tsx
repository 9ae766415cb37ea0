// Switches columns of the list on and off; what is ticked is what is shown.
import { ColumnsIcon } from "@/ui/icons";
import { Popover } from "@/ui/Popover";
import { type ColumnChoice, FIXED } from "./columnChoice";
import { COLUMNS, type Column } from "./columns";

export interface ColumnChooserProps {
  shown: readonly Column[];
  twoLines: boolean;
  /** Whether any flow in the list has a cost. */
  hasCost: boolean;
  choice: ColumnChoice;
  onChoose: (next: ColumnChoice) => void;
}

export function ColumnChooser(props: ColumnChooserProps) {
  return (
    <Popover
      label="Columns"
      buttonName="Columns"
      title="Choose the columns"
      width={240}
      button={<ColumnsIcon />}
      buttonClassName="inline-flex size-7 shrink-0 items-center justify-center rounded-md text-ink-3 hover:bg-raised hover:text-ink"
    >
      {() => <Choices {...props} />}
    </Popover>
  );
}

export function Choices({ shown, twoLines, hasCost, choice, onChoose }: ColumnChooserProps) {
  const offered = COLUMNS.filter(
    ({ key, inTwoLines }) => !FIXED.includes(key) && (!twoLines || inTwoLines),
  );
  return (
    <fieldset className="flex min-h-0 flex-col overflow-y-auto p-1.5">
      <legend className="sr-only">Columns</legend>
      {offered.map(({ key, label, name = label }) => {
        const costless = key === "cost" && !hasCost;
        return (
          <label
            key={key}
            className="flex items-center gap-2.5 rounded-md px-2 py-1.5 text-xs text-ink hover:bg-hover"
          >
            <input
              type="checkbox"
              className="accent-accent-fill"
              checked={costless ? choice[key] !== false : shown.some((each) => each.key === key)}
              onChange={(event) => onChoose({ ...choice, [key]: event.target.checked })}
            />
            <span className="flex-1">{name}</span>
            {costless ? <span className="text-2xs text-ink-3">once a flow has one</span> : null}
          </label>
        );
      })}
      <p className="px-2 pt-1.5 text-2xs text-ink-3">
        As many as there is room for: what you tick goes first.
      </p>
      <button
        type="button"
        disabled={Object.keys(choice).length === 0}
        onClick={() => onChoose({})}
        className="m-2 h-7 rounded-md border border-line-strong text-xs font-medium hover:bg-hover disabled:opacity-50"
      >
        As at first
      </button>
    </fieldset>
  );
}
