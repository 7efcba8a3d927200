// Sets the theme before the first paint, so that a dark page never flashes white.
// A plain file and not an inline script: the content security policy allows none.
(() => {
  let choice = "system";
  try {
    choice = localStorage.getItem("treering-theme") || "system";
  } catch {
    // Storage may be forbidden (private windows); the system's theme is then used.
  }
  const dark =
    choice === "dark" || (choice === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
