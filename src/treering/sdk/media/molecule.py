"""Molecules: ``tr.Molecule``."""

from __future__ import annotations

import os
from typing import Any, ClassVar, Final

from .html import document
from .media import Media, Shelf, Source, Unusable
from .payload import Payload

__all__ = ["Molecule"]

_FORMATS: Final = frozenset(
    {"pdb", "pqr", "mmcif", "mcif", "cif", "sdf", "sd", "gro", "mol", "mol2", "mmtf", "smi", "xyz"}
)


class Molecule(Media):
    """
    A molecule.

    Args:
        data_or_path: the path of a file, or a file object or text with *file_type*.
        caption: text beside it.
        file_type: of a file object or text: pdb, pqr, mmcif, mcif, cif, sdf, sd, gro, mol, mol2, mmtf, smi or xyz.
    """

    kind: ClassVar[str] = "molecule-file"
    accepts: ClassVar[str] = f"a file, or text with file_type, of {', '.join(sorted(_FORMATS))}"

    def __init__(self, data_or_path: Any, caption: str | None = None, file_type: str | None = None) -> None:
        super().__init__(caption)
        self._data: Source | Payload | None = None
        with self._guarded():
            given = (file_type or "").lower().lstrip(".")
            name = getattr(data_or_path, "name", None)
            if file_type is not None and not isinstance(data_or_path, os.PathLike):
                self._data = self._keep(document(data_or_path))
            elif isinstance(data_or_path, (str, os.PathLike)):
                self._data = Source(self, data_or_path)
                given = self._data.extension
            elif hasattr(data_or_path, "read") and isinstance(name, str):
                self._data = self._keep(document(data_or_path))
                given = os.path.splitext(name)[1].lower().lstrip(".")
            else:
                raise Unusable("a file object or text needs file_type")
            if given not in _FORMATS:
                raise Unusable(f"the format {given!r} is unknown" if given else "the file has no extension")
            self._format = given

    @classmethod
    def from_rdkit(
        cls,
        data_or_path: Any,
        caption: str | None = None,
        convert_to_3d_and_optimize: bool = True,
        mmff_opt_max: int = 200,
    ) -> Molecule:
        """Return a molecule of rdkit, or of a file (mol, sdf, pdb, smi) that it reads, as PDB with a shape in space."""
        made = cls.__new__(cls)
        Media.__init__(made, caption)
        made._format = "pdb"
        made._data = None
        with made._guarded():
            made._data = made._keep(_pdb(data_or_path, convert_to_3d_and_optimize, mmff_opt_max))
        return made

    @classmethod
    def from_smiles(
        cls,
        data: str,
        caption: str | None = None,
        sanitize: bool = True,
        convert_to_3d_and_optimize: bool = True,
        mmff_opt_max: int = 200,
    ) -> Molecule:
        """
        Return a molecule from its SMILES.

        With rdkit it gets a shape in space and is stored as PDB; without, the SMILES itself is stored.
        """
        try:
            from rdkit import Chem
        except ImportError:
            return cls(data, caption, file_type="smi")
        molecule = Chem.MolFromSmiles(data, sanitize=sanitize)
        if molecule is None:
            made = cls("", caption, file_type="smi")
            made.problem = f"rdkit cannot read the SMILES {data!r:.80}"
            return made
        return cls.from_rdkit(molecule, caption, convert_to_3d_and_optimize, mmff_opt_max)

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        if isinstance(self._data, Source):
            blob, _ = self._data.store(shelf)
        else:
            assert self._data is not None
            blob = shelf.store(self._data.get(), self._format)
        return self._captioned({"sha256": blob.sha256, "size": blob.size, "format": self._format})


def _pdb(data: Any, shape_it: bool, steps_max: int) -> bytes:
    from rdkit import Chem
    from rdkit.Chem import AllChem

    if isinstance(data, (str, os.PathLike)):
        path = os.fspath(data)
        readers = {
            ".mol": Chem.MolFromMolFile,
            ".sdf": lambda name: next(iter(Chem.SDMolSupplier(name)), None),
            ".pdb": Chem.MolFromPDBFile,
            ".smi": lambda name: next(iter(Chem.SmilesMolSupplier(name)), None),
        }
        reader = readers.get(os.path.splitext(path)[1].lower())
        if reader is None:
            raise Unusable(f"rdkit reads {', '.join(readers)}; got {path!r}")
        data = reader(path)
    if data is None:
        raise Unusable("rdkit cannot read the molecule")
    if shape_it:
        data = Chem.AddHs(data)
        if AllChem.EmbedMolecule(data, randomSeed=0) != 0:
            raise Unusable("rdkit finds no shape in space for the molecule")
        AllChem.MMFFOptimizeMolecule(data, maxIters=steps_max)
    return str(Chem.MolToPDBBlock(data)).encode()
