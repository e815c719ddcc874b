// The switch between light and dark; the system's choice holds until somebody uses it.

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : dark.matches;
}

export function startTheme() {
  const button = document.getElementById("theme");
  const tell = () => button.setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
  const changed = () => {
    tell();
    document.dispatchEvent(new Event("theme"));
  };
  tell();
  dark.addEventListener("change", changed);
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // Storage may be forbidden; then the choice lasts as long as the page.
    }
    changed();
  });
}
