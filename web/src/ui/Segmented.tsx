// A choice of a few, all visible: a group of radio buttons that looks like one control.
import { type ReactNode, useId } from "react";
import { cx } from "./cx";

export interface Choice<T extends string> {
  value: T;
  label: string;
  icon?: ReactNode;
}

export function Segmented<T extends string>({
  label,
  value,
  choices,
  onChange,
}: {
  label: string;
  value: T;
  choices: readonly Choice<T>[];
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset className="inline-flex rounded-md bg-raised p-0.5">
      <legend className="sr-only">{label}</legend>
      {choices.map((choice) => (
        <label
          key={choice.value}
          title={choice.label}
          className={cx(
            "relative flex h-6 cursor-pointer items-center justify-center gap-1.5 rounded-sm px-2 text-xs font-medium has-focus-visible:outline-2 has-focus-visible:outline-accent",
            choice.value === value
              ? "bg-surface text-ink ring-1 ring-line"
              : "text-ink-3 hover:text-ink",
          )}
        >
          <input
            type="radio"
            name={name}
            value={choice.value}
            checked={choice.value === value}
            onChange={() => onChange(choice.value)}
            className="absolute inset-0 cursor-pointer appearance-none opacity-0"
          />
          {choice.icon}
          <span className={choice.icon ? "sr-only" : undefined}>{choice.label}</span>
        </label>
      ))}
    </fieldset>
  );
}
