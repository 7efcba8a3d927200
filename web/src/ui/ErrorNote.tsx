import { ApiError } from "@/api/error";

/** An error in the place of what it prevented. */
export function ErrorNote({ error }: { error: Error }) {
  return (
    <div className="empty" role="alert">
      <b>{error.message}</b>
      {error instanceof ApiError && error.hint && <span>{error.hint}</span>}
    </div>
  );
}
