export interface Atom {
  element: string;
  x: number;
  y: number;
  z: number;
}

export interface Molecule {
  atoms: Atom[];
  /** Pairs of atom numbers, from 0. */
  bonds: [number, number][];
}

/** Ångström; atoms closer than the sum of these and a little are taken as bonded. */
const COVALENT: Readonly<Record<string, number>> = {
  H: 0.31,
  C: 0.76,
  N: 0.71,
  O: 0.66,
  F: 0.57,
  P: 1.07,
  S: 1.05,
  Cl: 1.02,
  Br: 1.2,
  I: 1.39,
  Si: 1.11,
  Na: 1.66,
  Mg: 1.41,
  K: 2.03,
  Ca: 1.76,
  Fe: 1.32,
  Zn: 1.22,
  Cu: 1.32,
};
const COVALENT_OTHER = 1.3;
const BOND_SLACK = 0.45;

export function covalentRadius(element: string): number {
  return COVALENT[element] ?? COVALENT_OTHER;
}

/** Reads a molecule with coordinates; throws if the text has none. */
export function parseMolecule(text: string, format: string): Molecule {
  const found = parse(text, format.toLowerCase());
  if (found.atoms.length === 0)
    throw new Error(`There are no atoms with coordinates in this ${format} text.`);
  if (found.bonds.length === 0) found.bonds = nearBonds(found.atoms);
  return found;
}

function parse(text: string, format: string): Molecule {
  switch (format) {
    case "pdb":
    case "pdbqt":
    case "ent":
      return parsePdb(text);
    case "sdf":
    case "mol":
      return parseMol(text);
    case "mol2":
      return parseMol2(text);
    case "xyz":
      return parseXyz(text);
    default:
      throw new Error(`A molecule of format ${format} has no coordinates to draw.`);
  }
}

function elementOf(text: string): string {
  const letters = text.replace(/[^A-Za-z]/g, "");
  const two = letters.slice(0, 1).toUpperCase() + letters.slice(1, 2).toLowerCase();
  return two in COVALENT ? two : two.slice(0, 1);
}

/** Columns of the PDB format are fixed: coordinates in 31–54, the element in 77–78, else guessed from the name. */
function parsePdb(text: string): Molecule {
  const atoms: Atom[] = [];
  const bonds: [number, number][] = [];
  const byNumber = new Map<number, number>();
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("ENDMDL")) break; // one model of several
    if (line.startsWith("ATOM") || line.startsWith("HETATM")) {
      byNumber.set(Number(line.slice(6, 11)), atoms.length);
      const named = line.slice(76, 78).trim();
      // "CA" in columns 13–14 of the name is calcium, in 14–15 an alpha carbon.
      const guessed = line.slice(12, 14).trim();
      atoms.push({
        element: named ? elementOf(named) : elementOf(/^\d/.test(guessed) ? guessed.slice(1) : guessed),
        x: Number(line.slice(30, 38)),
        y: Number(line.slice(38, 46)),
        z: Number(line.slice(46, 54)),
      });
    } else if (line.startsWith("CONECT")) {
      const from = byNumber.get(Number(line.slice(6, 11)));
      for (let at = 11; at < 31 && line.slice(at, at + 5).trim(); at += 5) {
        const to = byNumber.get(Number(line.slice(at, at + 5)));
        if (from !== undefined && to !== undefined && from < to) bonds.push([from, to]);
      }
    }
  }
  const finite = atoms.every(({ x, y, z }) => Number.isFinite(x + y + z));
  if (!finite) throw new Error("A coordinate of the PDB text is not a number.");
  // CONECT names only unusual bonds in proteins; the rest follows from the distances.
  const all = new Map(
    [...nearBonds(atoms), ...bonds].map(([a, b]) => [`${Math.min(a, b)},${Math.max(a, b)}`, [a, b]]),
  );
  return { atoms, bonds: [...all.values()] as [number, number][] };
}

/** The first molecule of an SDF or MOL file, V2000. */
function parseMol(text: string): Molecule {
  const lines = text.split(/\r?\n/);
  const counts = lines[3] ?? "";
  if (counts.includes("V3000")) throw new Error("MOL files of version V3000 are not read.");
  const n = Number(counts.slice(0, 3));
  const m = Number(counts.slice(3, 6));
  if (!(n >= 0) || !(m >= 0)) throw new Error("The MOL text has no line of counts.");
  const atoms = lines.slice(4, 4 + n).map((line) => ({
    element: elementOf(line.slice(31, 34)),
    x: Number(line.slice(0, 10)),
    y: Number(line.slice(10, 20)),
    z: Number(line.slice(20, 30)),
  }));
  const bonds = lines
    .slice(4 + n, 4 + n + m)
    .map((line): [number, number] => [Number(line.slice(0, 3)) - 1, Number(line.slice(3, 6)) - 1])
    .filter(([a, b]) => a >= 0 && b >= 0 && a < n && b < n);
  return { atoms, bonds };
}

function parseMol2(text: string): Molecule {
  const atoms: Atom[] = [];
  const bonds: [number, number][] = [];
  let section = "";
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("@<TRIPOS>")) {
      if (section === "BOND") break;
      section = line.slice("@<TRIPOS>".length).trim();
      continue;
    }
    const words = line.trim().split(/\s+/);
    if (section === "ATOM" && words.length >= 6) {
      const [, , x, y, z, type = ""] = words;
      atoms.push({ element: elementOf(type.split(".")[0] ?? ""), x: Number(x), y: Number(y), z: Number(z) });
    } else if (section === "BOND" && words.length >= 4) {
      bonds.push([Number(words[1]) - 1, Number(words[2]) - 1]);
    }
  }
  return { atoms, bonds: bonds.filter(([a, b]) => a >= 0 && b >= 0 && a < atoms.length && b < atoms.length) };
}

function parseXyz(text: string): Molecule {
  const lines = text.split(/\r?\n/);
  const n = Number(lines[0]);
  const atoms = lines
    .slice(2, Number.isInteger(n) ? 2 + n : undefined)
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words.length >= 4)
    .map(([element = "", x, y, z]) => ({
      element: elementOf(element),
      x: Number(x),
      y: Number(y),
      z: Number(z),
    }));
  return { atoms, bonds: [] };
}

/** Cells of this edge hold every possible partner of an atom in their neighbours. */
const CELL = 3.2;

/** Bonds by distance, in time proportional to the number of atoms. */
export function nearBonds(atoms: readonly Atom[]): [number, number][] {
  const cells = new Map<string, number[]>();
  const cellOf = ({ x, y, z }: Atom) =>
    [x, y, z].map((value) => Math.floor(value / CELL)) as [number, number, number];
  atoms.forEach((atom, i) => {
    const name = cellOf(atom).join();
    const cell = cells.get(name);
    if (cell) cell.push(i);
    else cells.set(name, [i]);
  });
  const bonds: [number, number][] = [];
  atoms.forEach((atom, i) => {
    const [cx, cy, cz] = cellOf(atom);
    for (let n = 0; n < 27; n++) {
      const name = [cx + (n % 3) - 1, cy + (Math.floor(n / 3) % 3) - 1, cz + Math.floor(n / 9) - 1].join();
      for (const j of cells.get(name) ?? []) {
        const other = atoms[j];
        if (j <= i || !other) continue;
        const most = covalentRadius(atom.element) + covalentRadius(other.element) + BOND_SLACK;
        const gap = (atom.x - other.x) ** 2 + (atom.y - other.y) ** 2 + (atom.z - other.z) ** 2;
        if (gap < most * most && gap > 0.16) bonds.push([i, j]);
      }
    }
  });
  return bonds;
}
