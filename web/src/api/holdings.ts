import { queryOptions } from "@tanstack/react-query";
import { client, unwrap } from "./client";

/** What the server holds, as far as the caller may see it. */
export const holdingsQuery = queryOptions({
  queryKey: ["holdings"],
  queryFn: ({ signal }) => unwrap(client.GET("/api/1/holdings", { signal })),
  refetchInterval: 10_000,
});
