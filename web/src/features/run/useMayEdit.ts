import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "@/api/queries";

/** Whether this browser's user may change things at all; somebody with a share link only looks. */
export function useMayEdit(): boolean {
  const session = useQuery(sessionQuery);
  return session.data !== undefined && session.data.kind !== "share" && session.data.kind !== "anyone";
}
