import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { Tooltip } from "radix-ui";
import { StrictMode, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/error";
import { getToken, openSession, subscribeToken } from "./api/session";
import { createAppRouter } from "./app/router";
import { TokenlessPage } from "./app/TokenlessPage";
import "./styles/index.css";

// Dialogs add a style element that stops the page behind from scrolling; the policy lets it in by nonce.
setNonce(document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content ?? "");

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => !(error instanceof ApiError && error.status >= 400) && failures < 3,
    },
  },
});
const router = createAppRouter(queries);

function App() {
  const token = useSyncExternalStore(subscribeToken, getToken);
  if (!token) return <TokenlessPage />;
  return (
    <QueryClientProvider client={queries}>
      <Tooltip.Provider delayDuration={350}>
        <RouterProvider router={router} />
      </Tooltip.Provider>
    </QueryClientProvider>
  );
}

await openSession();
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
