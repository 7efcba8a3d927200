/** What is said about one mark under the pointer. */
export interface Card {
  title: string;
  color: string;
  rows: readonly (readonly [string, string])[];
}

const GAP_PX = 14;

let box: HTMLDivElement | null = null;

/** Shows *card* beside a place of the window, never over it. All text is set as text. */
export function showCard(card: Card, clientX: number, clientY: number): void {
  const node = box ?? create();
  const head = document.createElement("header");
  const swatch = document.createElement("i");
  swatch.style.backgroundColor = card.color;
  const title = document.createElement("b");
  title.textContent = card.title;
  head.append(swatch, title);
  node.replaceChildren(
    head,
    ...card.rows.map(([name, value]) => {
      const row = document.createElement("div");
      const [label, text] = [document.createElement("span"), document.createElement("b")];
      label.textContent = name;
      text.textContent = value;
      row.append(label, text);
      return row;
    }),
  );
  node.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = node;
  const right = clientX + GAP_PX + width <= window.innerWidth - 4;
  const x = Math.max(4, right ? clientX + GAP_PX : clientX - GAP_PX - width);
  const y = Math.max(4, Math.min(clientY - height / 2, window.innerHeight - height - 4));
  node.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
}

export function hideCard(): void {
  if (box) box.hidden = true;
}

function create(): HTMLDivElement {
  box = document.createElement("div");
  box.className = "chart-tooltip chart-card";
  // The chart's own live region speaks.
  box.setAttribute("aria-hidden", "true");
  document.body.append(box);
  return box;
}
