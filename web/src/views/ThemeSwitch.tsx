// Chooses the theme: three choices where there is room, one button that goes round where there is not.
import { IconButton } from "@/ui/Button";
import { MoonIcon, SunIcon, SystemIcon } from "@/ui/icons";
import { Segmented } from "@/ui/Segmented";
import { setTheme, type Theme, useTheme } from "./theme";

const CHOICES = [
  { value: "light", label: "Light", icon: <SunIcon className="size-3.5" /> },
  { value: "dark", label: "Dark", icon: <MoonIcon className="size-3.5" /> },
  { value: "system", label: "System", icon: <SystemIcon className="size-3.5" /> },
] as const;

const NEXT: Record<Theme, Theme> = { light: "dark", dark: "system", system: "light" };

export function ThemeSwitch() {
  const theme = useTheme();
  const chosen = CHOICES.find(({ value }) => value === theme);
  return (
    <>
      <div className="hidden xl:block xl:px-1.5">
        <Segmented label="Theme" value={theme} choices={CHOICES} onChange={setTheme} />
      </div>
      <div className="flex justify-center xl:hidden">
        <IconButton
          label={`Theme: ${theme}. Change to ${NEXT[theme]}`}
          onClick={() => setTheme(NEXT[theme])}
        >
          {chosen?.icon}
        </IconButton>
      </div>
    </>
  );
}

/** The three choices in words. */
export function ThemeChoice() {
  const words = CHOICES.map(({ value, label }) => ({ value, label }));
  return <Segmented label="Theme" value={useTheme()} choices={words} onChange={setTheme} />;
}
