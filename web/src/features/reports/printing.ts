import { chooseTheme, useTheme } from "@/state/theme";
import { PAPER } from "@/ui/useInView";

const SETTLE_MS = 120;
const MOST_WAITS = 60;

/** Prints a report with every figure drawn: those that nobody has scrolled to are brought into view first. */
export async function printReport(): Promise<void> {
  const page = document.querySelector<HTMLElement>("main.report-page");
  if (!page) return;
  const { choice, name } = useTheme.getState();
  const top = page.scrollTop;
  document.body.classList.add(PAPER);
  // Dark charts on white paper would be black boxes.
  if (name !== "light") chooseTheme("light");
  try {
    for (const figure of page.querySelectorAll(".report-figure")) {
      figure.scrollIntoView({ block: "center" });
      await drawn(figure);
    }
    await pause(SETTLE_MS * 3);
    window.print();
  } finally {
    document.body.classList.remove(PAPER);
    if (name !== "light") chooseTheme(choice);
    page.scrollTop = top;
  }
}

async function drawn(figure: Element): Promise<void> {
  for (let wait = 0; wait < MOST_WAITS; wait++) {
    await pause(SETTLE_MS);
    const waiting = figure.querySelector(".panel-coming, .figure-coming") ?? loading(figure);
    if (!waiting) return;
  }
}

function loading(figure: Element): Element | undefined {
  return [...figure.querySelectorAll(".points-note")].find(({ textContent }) =>
    /loading…/i.test(textContent ?? ""),
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
