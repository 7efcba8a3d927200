import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
} from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { Tooltip } from "radix-ui";
import type { ReactElement } from "react";

/** Renders inside the contexts of the page. */
export async function renderRouted(element: ReactElement) {
  const root = createRootRoute({ component: () => element });
  const run = createRoute({ getParentRoute: () => root, path: "/$entity/$project/runs/$run_id/$tab" });
  const router = createRouter({
    routeTree: root.addChildren([run]),
    history: createMemoryHistory({ initialEntries: ["/"] }),
  });
  await router.load();
  return render(
    <QueryClientProvider client={new QueryClient()}>
      <Tooltip.Provider>
        <RouterProvider router={router as never} />
      </Tooltip.Provider>
    </QueryClientProvider>,
  );
}
