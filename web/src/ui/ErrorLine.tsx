import { ApiError } from "@/api/error";

/** What went wrong and what to do about it, beside the control that did it. */
export function ErrorLine({ error }: { error: Error }) {
  return (
    <p className="bad" role="alert">
      {error.message} {error instanceof ApiError && error.hint}
    </p>
  );
}
