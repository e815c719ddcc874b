"use strict";
// Sets light or dark before anything is drawn; without a choice the system decides.

const chosenTheme = (() => {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // storage may be forbidden; then a choice lasts as long as the page
  }
})();
if (chosenTheme === "light" || chosenTheme === "dark") document.documentElement.dataset.theme = chosenTheme;
