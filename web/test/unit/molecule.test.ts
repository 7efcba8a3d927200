import { describe, expect, it } from "vitest";
import { parseMolecule } from "@/media/object3d/molecule";

const WATER = `HETATM    1  O   HOH A   1       0.000   0.000   0.117  1.00  0.00           O
HETATM    2  H1  HOH A   1       0.000   0.757  -0.471  1.00  0.00           H
HETATM    3  H2  HOH A   1       0.000  -0.757  -0.471  1.00  0.00           H
`;

describe("a molecule", () => {
  it("in PDB has its atoms, and bonds by distance", () => {
    const { atoms, bonds } = parseMolecule(WATER, "pdb");

    expect(atoms.map(({ element }) => element)).toEqual(["O", "H", "H"]);
    expect(atoms[1]).toMatchObject({ y: 0.757, z: -0.471 });
    expect(bonds.map(([, to]) => to).sort()).toEqual([1, 2]);
  });

  it("in PDB without element columns tells an alpha carbon from calcium", () => {
    const line = (name: string) => `ATOM      1 ${name} ALA A   1       1.000   2.000   3.000`;

    expect(parseMolecule(line(" CA "), "pdb").atoms[0]?.element).toBe("C");
    expect(parseMolecule(line("CA  "), "pdb").atoms[0]?.element).toBe("Ca");
  });

  it("in MOL keeps the bonds that are written", () => {
    const text = `
  made by hand

  2  1  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    9.0000    0.0000    0.0000 Cl  0  0
  1  2  1  0
M  END
`;
    const { atoms, bonds } = parseMolecule(text, "sdf");

    expect(atoms.map(({ element }) => element)).toEqual(["C", "Cl"]);
    expect(bonds).toEqual([[0, 1]]);
  });

  it("in XYZ is read", () => {
    expect(parseMolecule("2\nhydrogen\nH 0 0 0\nH 0 0 0.74\n", "xyz").bonds).toEqual([[0, 1]]);
  });

  it("in MOL2 is read", () => {
    const text = `@<TRIPOS>ATOM
1 C1 0.0 0.0 0.0 C.3
2 O1 1.4 0.0 0.0 O.3
@<TRIPOS>BOND
1 1 2 1
`;

    expect(parseMolecule(text, "mol2")).toMatchObject({
      atoms: [{ element: "C" }, { element: "O" }],
      bonds: [[0, 1]],
    });
  });

  it("without coordinates says so", () => {
    expect(() => parseMolecule("CCO", "smi")).toThrow("no coordinates");
    expect(() => parseMolecule("", "pdb")).toThrow("no atoms");
  });
});
