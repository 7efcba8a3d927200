// What the tests ask of a page, in the words of the product.

/** Reports of all charts, or of those with *key*. */
export function charts(page, key) {
  return page.evaluate((wanted) => {
    const all = window.__treering?.charts() ?? [];
    return wanted ? all.filter((chart) => chart.key === wanted) : all;
  }, key);
}

export async function chart(page, key) {
  const [found] = await charts(page, key);
  if (!found) throw new Error(`there is no chart ${key}`);
  return found;
}

/** Waits until *key* is drawn with *lines* lines and nothing is under way. */
export async function drawn(page, key, lines) {
  await page.waitForFunction(
    ([wanted, count]) =>
      window.__treering
        ?.charts()
        .some(
          (entry) =>
            entry.key === wanted &&
            entry.painted &&
            (count === undefined ? entry.ids.length > 0 : entry.ids.length === count),
        ),
    [key, lines],
    { timeout: 10_000 },
  );
  return chart(page, key);
}

/** Waits until *condition*, a function of the chart's report, holds in the page. */
export async function chartWhere(page, key, condition, argument) {
  await page.waitForFunction(
    ([wanted, source, value]) => {
      // The condition comes as text because functions do not cross into the page; the policy forbids eval there.
      const found = window.__treering?.charts().find((entry) => entry.key === wanted);
      if (!found) return false;
      switch (source) {
        case "zoomed":
          return (
            found.painted &&
            Math.abs(found.xDomain[0] - value[0]) < value[2] &&
            Math.abs(found.xDomain[1] - value[1]) < value[2]
          );
        case "lastX":
          return found.painted && Math.max(...found.lastX) >= value;
        case "highlighted":
          return value === null ? found.highlighted === null : found.highlighted !== null;
        case "exact":
          return found.painted && found.drawn === found.total && found.drawn > 0;
        default:
          return false;
      }
    },
    [key, condition, argument],
    { timeout: 10_000, polling: 20 },
  );
  return chart(page, key);
}

/** The plot of a panel in the grid. */
export function plot(page, key) {
  return page.locator(`[data-panel="${key}"] .chart`).first();
}

/** Drags from *from* to *to*, fractions of the plot's width. */
export async function drag(page, key, from, to, { shift = false } = {}) {
  const box = await plot(page, key).boundingBox();
  const y = box.y + box.height / 2;
  const x = (fraction) => box.x + box.width * fraction;
  if (shift) await page.keyboard.down("Shift");
  await page.mouse.move(x(from), y);
  await page.mouse.down();
  await page.mouse.move(x((from + to) / 2), y);
  await page.mouse.move(x(to), y);
  await page.mouse.up();
  if (shift) await page.keyboard.up("Shift");
}

export function query(page) {
  return Object.fromEntries(new URL(page.url()).searchParams);
}

/** Waits until the address has (or lost) a parameter. */
export async function inAddress(page, name, present = true) {
  await page.waitForFunction(
    ([wanted, has]) => new URLSearchParams(location.search).has(wanted) === has,
    [name, present],
    { timeout: 5_000 },
  );
}

export async function runCounts(page) {
  const text = await page.locator(".run-counts").textContent();
  const [shown, match, total] = text.split("·").map((part) => Number.parseInt(part.replaceAll(",", ""), 10));
  return { shown, match, total };
}
