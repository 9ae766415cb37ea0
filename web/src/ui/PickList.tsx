// A list to pick one from, with a field that narrows it; the keyboard stays in the field.
import { type ReactNode, useId, useState } from "react";
import { cx } from "./cx";

export interface PickOption {
  value: string;
  content: ReactNode;
}

export interface PickListProps {
  label: string;
  value: string;
  options: PickOption[];
  /** What was typed; whoever gives the options narrows them. */
  typed: string;
  onType: (text: string) => void;
  onPick: (value: string) => void;
  /** Said below the list. */
  note?: ReactNode;
  empty: string;
  /** What the field asks for, and whether there is room for more than in a menu. */
  placeholder?: string;
  roomy?: boolean;
}

/** As a popover is shown, the browser gives the focus to what has this attribute, which React does not write. */
function takesFocus(field: HTMLInputElement | null) {
  if (field) field.autofocus = true;
}

export function PickList(props: PickListProps) {
  const { label, value, options, typed, onType, onPick, note, empty, roomy = false } = props;
  const placeholder = props.placeholder ?? "Search";
  const id = useId();
  const [at, setAt] = useState(0);
  const active = Math.min(at, options.length - 1);
  const optionId = (index: number) => `${id}-${index}`;
  const move = (to: number) => {
    const next = Math.max(0, Math.min(options.length - 1, to));
    setAt(next);
    document.getElementById(optionId(next))?.scrollIntoView({ block: "nearest" });
  };
  return (
    <>
      <div className="border-b p-2">
        <input
          ref={takesFocus}
          type="text"
          role="combobox"
          aria-label={`Search in ${label}`}
          aria-expanded={options.length > 0}
          aria-controls={id}
          aria-activedescendant={options.length > 0 ? optionId(active) : undefined}
          placeholder={placeholder}
          spellCheck={false}
          autoComplete="off"
          maxLength={200}
          value={typed}
          onChange={(event) => {
            setAt(0);
            onType(event.target.value);
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") move(active + 1);
            else if (event.key === "ArrowUp") move(active - 1);
            else if (event.key === "Enter") {
              const option = options[active];
              if (option) onPick(option.value);
            } else return;
            event.preventDefault();
          }}
          className={cx(
            "w-full rounded-md border border-line-strong bg-ground px-2.5",
            roomy ? "h-10 text-base" : "h-7 text-xs",
          )}
        />
      </div>
      {/* There before its words are, so that they are read out when they come. */}
      <div role="status">
        {options.length === 0 ? (
          <p className="px-3 py-4 text-center text-xs text-ink-3">{empty}</p>
        ) : null}
      </div>
      <div
        id={id}
        role="listbox"
        aria-label={label}
        className="min-h-0 flex-1 overflow-y-auto py-1"
        hidden={options.length === 0}
      >
        {options.map((option, index) => (
          // The keyboard is the field's: it names the option it is on.
          // biome-ignore lint/a11y/useKeyWithClickEvents: see above
          <div
            key={option.value}
            id={optionId(index)}
            role="option"
            aria-selected={option.value === value}
            onClick={() => onPick(option.value)}
            onPointerMove={() => setAt(index)}
            className={cx(
              "cursor-pointer px-3",
              roomy ? "py-1.5 text-sm" : "py-1 text-xs",
              index === active && "bg-hover",
              option.value === value ? "font-medium text-ink" : "text-ink-2",
            )}
          >
            {option.content}
          </div>
        ))}
      </div>
      <div role="status">
        {note ? <p className="border-t px-3 py-1.5 text-2xs text-ink-3">{note}</p> : null}
      </div>
    </>
  );
}
