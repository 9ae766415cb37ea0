// Applies the stored theme before the first paint; a classic script, because a module would run too late.
(() => {
  try {
    const theme = localStorage.getItem("langley.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is blocked: the system's theme is used.
  }
})();
