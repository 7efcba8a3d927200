import { lazy, Suspense } from "react";
import { type MediaViewProps, SimpleMedia } from "./SimpleMedia";

const TableView = lazy(() => import("./table/TableView").then((module) => ({ default: module.TableView })));

/** One logged value in the place it is given, whatever its kind. */
export function MediaView(props: MediaViewProps) {
  const { value, wanted, runKey, label } = props;
  if (value._type !== "table-file") return <SimpleMedia {...props} />;
  return (
    <Suspense fallback={<div className="media-note pulse" />}>
      {wanted && <TableView runKey={runKey} value={value} name={label} compact />}
    </Suspense>
  );
}
