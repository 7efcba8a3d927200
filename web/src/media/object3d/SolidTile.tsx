import { lazy, Suspense } from "react";
import type { MoleculeValue, Object3DValue } from "@/api/mediaValue";
import { BlobGate } from "../BlobGate";

const SolidCanvas = lazy(() => import("./SolidCanvas"));

interface SolidTileProps {
  runKey: string;
  value: Object3DValue | MoleculeValue;
  wanted: boolean;
  label: string;
}

/** Points, a mesh or a molecule. The code that draws it is loaded with the first one. */
export function SolidTile({ runKey, value, wanted, label }: SolidTileProps) {
  return (
    <BlobGate runKey={runKey} blob={value} wanted={wanted}>
      {({ blob }) => (
        <Suspense fallback={<div className="media-note pulse" />}>
          <SolidCanvas value={value} blob={blob} label={label} />
        </Suspense>
      )}
    </BlobGate>
  );
}
