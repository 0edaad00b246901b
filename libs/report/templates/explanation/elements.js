"use strict";
// The list of elements whose lines can be laid over the spectrum.
(() => {
  const page = window.openassay;
  const choices = document.getElementById("element-choices");
  if (!choices || !page.spectrum) return;
  const search = document.getElementById("element-search");
  const count = document.getElementById("element-count");
  const boxes = [...choices.querySelectorAll("input")];
  // Orange and blue are taken by the evidence; dashes tell further elements apart.
  const colours = ["@green", "@purple", "#a08600", "@ink"];
  const dashes = ["solid", "dash", "dot"];
  const styled = (place) => ({
    colour: colours[place % colours.length],
    dash: dashes[Math.floor(place / colours.length) % dashes.length],
  });
  const show = () => {
    const chosen = boxes.filter((box) => box.checked).map((box, place) => {
      const element = page.data.element_lines[Number(box.value)];
      return {
        ...element, ...styled(place), short: element.element.split(" ")[0].slice(0, 12),
        top: (strength) => 0.06 + 0.58 * strength,
      };
    });
    boxes.forEach((box) => box.parentElement.style.removeProperty("--line"));
    boxes.filter((box) => box.checked).forEach((box, place) => {
      const { colour } = styled(place);
      box.parentElement.style.setProperty("--line", page.painted(colour, page.current()));
    });
    count.textContent = chosen.length ? `${chosen.length} shown` : "";
    page.spectrum.setElements(chosen);
  };
  // Words find elements by name; numbers find those with a line within 3 keV.
  const fits = (element, text) => {
    if (!text) return true;
    const kev = Number(text);
    if (Number.isFinite(kev)) return element.lines.some((line) => Math.abs(line.energy_kev - kev) <= 3);
    return element.element.toLowerCase().includes(text.toLowerCase());
  };
  search.addEventListener("input", () => {
    for (const box of boxes) {
      const element = page.data.element_lines[Number(box.value)];
      box.parentElement.hidden = !box.checked && !fits(element, search.value.trim());
    }
  });
  choices.addEventListener("change", show);
  document.getElementById("no-elements").addEventListener("click", () => {
    boxes.forEach((box) => { box.checked = false; });
    show();
  });
})();
