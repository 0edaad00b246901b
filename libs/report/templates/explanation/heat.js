"use strict";
// A square picture over two axes of energy, with the spectrum along both and marked energies.
(() => {
  const page = window.openassay;
  const { data, energies, marks } = page;

  // Largest count near each step along an axis, as a share of the logarithmic height.
  const profile = (low, high, steps) => {
    const peaks = new Float64Array(steps);
    const { counts } = data.spectrum;
    for (let c = page.channelAt(low); c <= page.channelAt(high); c += 1) {
      const step = Math.floor((energies[c] - low) / (high - low) * steps);
      if (step >= 0 && step < steps) peaks[step] = Math.max(peaks[step], counts[c]);
    }
    const logs = Array.from(peaks, (v) => Math.log10(Math.max(v, 1)));
    const most = Math.max(...logs, 1);
    const least = Math.min(...logs.filter((v) => v > 0), most);
    return logs.map((v) => Math.max(0, (v - least * 0.9) / (most - least * 0.9)));
  };
  const niceStep = (span, count) => {
    const raw = span / count;
    const decade = 10 ** Math.floor(Math.log10(raw));
    return [1, 2, 5, 10].map((f) => f * decade).find((s) => s >= raw);
  };

  page.heat = ({ canvas, source, block, low, high, strip, most, paint, describe }) => {
    const output = canvas.closest("figure").querySelector("output");
    const side = Math.ceil(source / block);
    const stepKev = (high - low) / source;
    const pixelOf = (kev) => Math.min(side - 1, Math.max(0, Math.floor((kev - low) / stepKev / block)));
    const edges = (pixel) => [low + stepKev * pixel * block, low + stepKev * Math.min(source, (pixel + 1) * block)];
    const centre = (pixel) => (edges(pixel)[0] + edges(pixel)[1]) / 2;
    let place;
    // All but the marks is drawn once and copied when they move.
    const still = document.createElement("canvas");
    let drawnFor;

    const draw = (theme = page.current()) => {
      const width = Math.max(200, Math.min(canvas.closest("figure").clientWidth, most));
      const [left, top, right, bottom] = [58 + strip, strip + 6, 8, 44];
      const size = width - left - right;
      const ratio = Math.max(2, window.devicePixelRatio || 1);
      place = { left, top, size };
      for (const each of [canvas, still]) {
        Object.assign(each, { width: width * ratio, height: (top + size + bottom) * ratio });
      }
      canvas.style.width = `${width}px`;
      canvas.style.height = `${top + size + bottom}px`;
      drawnFor = { theme, ratio };
      const c = still.getContext("2d");
      c.scale(ratio, ratio);
      c.fillStyle = theme.page;
      c.fillRect(0, 0, width, top + size + bottom);
      c.save();
      c.beginPath();
      c.rect(left, top, size, size);
      c.clip();
      c.imageSmoothingEnabled = false;
      // The last shown pixel may reach beyond the image.
      paint(c, left, top, size, size * side * block / source, theme);
      c.restore();
      sides(c, theme);
      axes(c, theme);
      drawMarks();
    };
    const drawMarks = () => {
      const { theme, ratio } = drawnFor;
      const c = canvas.getContext("2d");
      c.setTransform(1, 0, 0, 1, 0, 0);
      c.drawImage(still, 0, 0);
      c.scale(ratio, ratio);
      cross(c, theme);
    };
    const sides = (c, theme) => {
      const { left, top, size } = place;
      const steps = Math.floor(size);
      const heights = profile(low, high, steps);
      c.fillStyle = theme.faint;
      heights.forEach((height, i) => {
        c.fillRect(left + i, top - 3 - height * strip, 1, height * strip);
        c.fillRect(left - 3 - height * strip, top + i, height * strip, 1);
      });
    };
    const axes = (c, theme) => {
      const { left, top, size } = place;
      c.strokeStyle = theme.faint;
      c.strokeRect(left, top, size, size);
      c.fillStyle = theme.ink;
      c.font = `12px ${getComputedStyle(document.body).fontFamily}`;
      const step = niceStep(high - low, size / 50);
      for (let kev = Math.ceil(low / step) * step; kev <= high; kev += step) {
        const at = (kev - low) / (high - low) * size;
        c.fillRect(left + at - 0.5, top + size, 1, 4);
        c.fillRect(left - strip - 7, top + at - 0.5, 4, 1);
        c.textAlign = "center";
        c.fillText(String(kev), Math.min(left + at, left + size - 12), top + size + 17);
        c.textAlign = "right";
        c.fillText(String(kev), left - strip - 10, top + at + 4);
      }
      c.textAlign = "center";
      c.fillText("column / keV", left + size / 2, top + size + 36);
      c.save();
      c.translate(12, top + size / 2);
      c.rotate(-Math.PI / 2);
      c.fillText("row / keV", 0, 0);
      c.restore();
    };
    const cross = (c, theme) => {
      if (marks.row === null) return;
      const { left, top, size } = place;
      const scale = size / (high - low);
      const band = (kev) => {
        const [from, to] = edges(pixelOf(kev));
        return [(from - low) * scale, Math.max(1.5, (to - from) * scale)];
      };
      for (const [stroke, extra] of [[theme.page, 2], [theme.ink, 0]]) {
        c.fillStyle = stroke;
        c.globalAlpha = marks.pinned ? 0.95 : 0.75;
        const [row, tall] = band(marks.row);
        const [column, wide] = band(marks.column);
        c.fillRect(left - strip - 3, top + row - extra / 2, size + strip + 3, tall + extra);
        c.fillRect(left + column - extra / 2, top - strip - 3, wide + extra, size + strip + 3);
      }
      c.globalAlpha = 1;
    };
    const say = () => {
      output.setAttribute("aria-live", document.activeElement === canvas ? "polite" : "off");
      if (marks.row === null) {
        output.textContent = "Point at a pixel.";
        return;
      }
      const [row, column] = [pixelOf(marks.row), pixelOf(marks.column)];
      const range = (pixel) => edges(pixel).map((kev) => kev.toFixed(0)).join("–");
      output.textContent = `row ${range(row)} keV, column ${range(column)} keV: ${describe(row, column)}`
        + (marks.pinned ? " (pinned)" : "");
    };
    const pixelAt = (event) => {
      const box = canvas.getBoundingClientRect();
      const at = (v, from) => (v - from) / place.size;
      const [x, y] = [at(event.clientX - box.left, place.left), at(event.clientY - box.top, place.top)];
      if (x < 0 || y < 0 || x >= 1 || y >= 1) return null;
      return { row: pixelOf(low + y * (high - low)), column: pixelOf(low + x * (high - low)) };
    };
    const markPixel = (row, column, pinned) =>
      page.mark({ row: centre(row), column: centre(column), pinned });
    canvas.addEventListener("pointermove", (event) => {
      if (marks.pinned) return;
      const pixel = pixelAt(event);
      if (pixel) markPixel(pixel.row, pixel.column, false);
    });
    canvas.addEventListener("pointerleave", () => {
      if (!marks.pinned) page.mark({ row: null, column: null });
    });
    canvas.addEventListener("click", (event) => {
      const pixel = pixelAt(event);
      if (pixel) markPixel(pixel.row, pixel.column, !marks.pinned);
    });
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      const now = marks.row === null ? [side >> 1, side >> 1] : [pixelOf(marks.row), pixelOf(marks.column)];
      if (event.key === "Escape") {
        page.mark({ row: null, column: null, pinned: false });
      } else if (event.key === "Enter" || event.key === " ") {
        markPixel(...now, !marks.pinned || marks.row === null);
      } else if (moves[event.key]) {
        const step = event.shiftKey ? 10 : 1;
        const [row, column] = moves[event.key].map((d, i) => Math.min(side - 1, Math.max(0, now[i] + d * step)));
        markPixel(row, column, marks.pinned);
      } else {
        return;
      }
      event.preventDefault();
    });
    let waiting = false;
    page.watch(() => {
      say();
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; drawMarks(); });
    });
    new ResizeObserver(() => draw()).observe(canvas.closest("figure"));
    page.dark.addEventListener("change", () => draw());
    addEventListener("beforeprint", () => draw(page.light));
    addEventListener("afterprint", () => draw());
    draw();
    return { draw };
  };
})();
