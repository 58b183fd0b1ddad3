(() => {
  const root = document.documentElement, toggle = document.getElementById("theme");
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const label = () => { toggle.textContent = dark() ? "Light page" : "Dark page"; };
  toggle.hidden = false;
  toggle.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; label(); });
  label();
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
  const form = document.getElementById("filters");
  if (!form) return;
  form.hidden = false;
  const groups = [...document.querySelectorAll("#items tbody")], count = document.getElementById("count");
  const apply = () => {
    const words = form.search.value.toLowerCase(), wanted = ["belief", "task", "split"].map((key) => [key, form[key].value]);
    let shown = 0;
    for (const group of groups) {
      const fits = wanted.every(([key, value]) => !value || group.dataset[key] === value) &&
        (!words || group.textContent.toLowerCase().includes(words));
      group.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${groups.length} questions`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
})();
