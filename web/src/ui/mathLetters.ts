/** Where the letters A, a and the digit 0 of each style begin in Unicode; what stands elsewhere. */
const STYLES: Readonly<Record<string, { upper: number; lower: number; digit?: number; others?: string }>> = {
  bold: { upper: 0x1d400, lower: 0x1d41a, digit: 0x1d7ce },
  italic: { upper: 0x1d434, lower: 0x1d44e, others: "hℎ" },
  "bold-italic": { upper: 0x1d468, lower: 0x1d482 },
  script: { upper: 0x1d49c, lower: 0x1d4b6, others: "BℬEℰFℱHℋIℐLℒMℳRℛeℯgℊoℴ" },
  "bold-script": { upper: 0x1d4d0, lower: 0x1d4ea },
  fraktur: { upper: 0x1d504, lower: 0x1d51e, others: "CℭHℌIℑRℜZℨ" },
  "double-struck": { upper: 0x1d538, lower: 0x1d552, digit: 0x1d7d8, others: "CℂHℍNℕPℙQℚRℝZℤ" },
  "bold-fraktur": { upper: 0x1d56c, lower: 0x1d586 },
  "sans-serif": { upper: 0x1d5a0, lower: 0x1d5ba, digit: 0x1d7e2 },
  "bold-sans-serif": { upper: 0x1d5d4, lower: 0x1d5ee, digit: 0x1d7ec },
  "sans-serif-italic": { upper: 0x1d608, lower: 0x1d622 },
  monospace: { upper: 0x1d670, lower: 0x1d68a, digit: 0x1d7f6 },
};

/** *text* in the letters that Unicode has for a style of formulas; browsers no longer make them from an attribute. */
export function mathLetters(text: string, variant: string): string {
  const style = STYLES[variant];
  if (style === undefined) return text;
  return [...text]
    .map((letter) => {
      const other = style.others?.indexOf(letter) ?? -1;
      if (other >= 0 && other % 2 === 0) return style.others?.charAt(other + 1) ?? letter;
      const from = (start: number, first: string) =>
        String.fromCodePoint(start + letter.charCodeAt(0) - first.charCodeAt(0));
      if (/^[A-Z]$/.test(letter)) return from(style.upper, "A");
      if (/^[a-z]$/.test(letter)) return from(style.lower, "a");
      if (/^\d$/.test(letter) && style.digit !== undefined) return from(style.digit, "0");
      return letter;
    })
    .join("");
}
