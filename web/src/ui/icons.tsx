// The dashboard's icons, drawn on a 16-pixel grid; decoration only, so hidden from assistive technology.
import type { ReactNode } from "react";

interface IconProps {
  className?: string;
  /** Drawn full, for what is switched on. */
  filled?: boolean;
}

function icon(drawing: ReactNode): (props: IconProps) => ReactNode {
  return ({ className = "size-4", filled = false }) => (
    <svg
      viewBox="0 0 16 16"
      className={`shrink-0 ${className}`}
      fill={filled ? "currentColor" : "none"}
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {drawing}
    </svg>
  );
}

export const FlowsIcon = icon(
  <path d="M2 4h8m-2.5-2L10 4 7.5 6M14 12H6m2.5-2L6 12l2.5 2M2 8h12" />,
);
export const HealthIcon = icon(<path d="M1.5 8.5h3l2-5 3 9 2-4h3" />);
export const SetupIcon = icon(
  <>
    <path d="m2 4 1.2 1.2L5.5 3M2 11l1.2 1.2L5.5 10" />
    <path d="M8.5 4.5H14m-5.5 7H14" />
  </>,
);
export const SearchIcon = icon(
  <>
    <circle cx="7" cy="7" r="4.2" />
    <path d="m10.2 10.2 3.3 3.3" />
  </>,
);
export const CloseIcon = icon(<path d="m4 4 8 8m0-8-8 8" />);
export const BackIcon = icon(<path d="M9.5 3.5 5 8l4.5 4.5" />);
export const UpIcon = icon(<path d="M3.5 10 8 5.5l4.5 4.5" />);
export const DownIcon = icon(<path d="M3.5 6 8 10.5 12.5 6" />);
export const CopyIcon = icon(
  <>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
    <path d="M10.5 5.5V4A1.5 1.5 0 0 0 9 2.5H4A1.5 1.5 0 0 0 2.5 4v5A1.5 1.5 0 0 0 4 10.5h1.5" />
  </>,
);
export const CheckIcon = icon(<path d="m3 8.5 3.2 3L13 4.5" />);
export const SunIcon = icon(
  <>
    <circle cx="8" cy="8" r="2.8" />
    <path d="M8 1.5v1.3m0 10.4v1.3M1.5 8h1.3m10.4 0h1.3M3.4 3.4l.9.9m7.4 7.4.9.9m0-9.2-.9.9m-7.4 7.4-.9.9" />
  </>,
);
export const MoonIcon = icon(<path d="M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1Z" />);
export const SystemIcon = icon(
  <>
    <rect x="2" y="3" width="12" height="8" rx="1.2" />
    <path d="M6 13.5h4" />
  </>,
);
export const ImageIcon = icon(
  <>
    <rect x="2" y="3" width="12" height="10" rx="1.5" />
    <circle cx="5.5" cy="6.5" r="1" />
    <path d="m3 12 3.5-3.5L9 11l2-2 3 3" />
  </>,
);
export const ToolIcon = icon(
  <path d="M9.8 5.2a3 3 0 0 1 3.9-2.9l-1.9 1.9.9 1.1 1.9-.2a3 3 0 0 1-4 2.9L5 13.6a1.5 1.5 0 0 1-2.1-2.1l5.6-5.6" />,
);
export const StarIcon = icon(
  <path d="m8 1.8 1.9 4 4.3.6-3.1 3 .8 4.3L8 11.6l-3.9 2.1.8-4.3-3.1-3 4.3-.6L8 1.8Z" />,
);
export const ColumnsIcon = icon(
  <>
    <rect x="2" y="3" width="12" height="10" rx="1.5" />
    <path d="M6.2 3v10m3.6-10v10" />
  </>,
);
export const FilterIcon = icon(<path d="M2 4h12M4.5 8h7M6.5 12h3" />);
export const NowIcon = icon(
  <>
    <circle cx="8" cy="8" r="6" />
    <path d="M8 4.5V8l2.3 1.6" />
  </>,
);
export const SessionsIcon = icon(<path d="M2.5 3.5h11v7h-6l-3 2.5v-2.5h-2v-7ZM5 6h6M5 8.2h3.5" />);
export const HistoryIcon = icon(
  <>
    <path d="M2.2 8a5.8 5.8 0 1 1 1.7 4.1M2.2 8V4.6M2.2 8h3.3" />
    <path d="M8 5v3.2l2 1.2" />
  </>,
);
export const SpendIcon = icon(<path d="M2 13.5h12M4 11V8m4 3V3m4 8V6" />);
export const FindingsIcon = icon(
  <>
    <path d="M8 1.8a4.2 4.2 0 0 1 2.4 7.6c-.5.4-.8.9-.8 1.5H6.4c0-.6-.3-1.1-.8-1.5A4.2 4.2 0 0 1 8 1.8Z" />
    <path d="M6.6 13.6h2.8" />
  </>,
);
export const SettingsIcon = icon(
  <>
    <path d="M2 4.5h6.5m3.5 0h2M2 11.5h2m3.5 0H14" />
    <circle cx="10.2" cy="4.5" r="1.7" />
    <circle cx="5.8" cy="11.5" r="1.7" />
  </>,
);
export const CommandIcon = icon(<path d="m3 4.5 3.5 3.5L3 11.5M8.5 12H13" />);
export const ExportIcon = icon(<path d="M8 2v8m-3-3 3 3 3-3M2.5 11v2.5h11V11" />);
