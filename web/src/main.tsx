import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { Tooltip } from "radix-ui";
import { StrictMode, useState, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/error";
import { getAccess, openSession, subscribeAccess } from "./api/session";
import { createAppRouter } from "./app/router";
import { Entrance } from "./features/entrance/Entrance";
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

const invitation = await openSession();

function App() {
  const access = useSyncExternalStore(subscribeAccess, getAccess);
  const [invited, setInvited] = useState(invitation);
  if (access.kind === "none" || invited) {
    return (
      <Entrance
        invitation={invited}
        onEntered={() => {
          queries.clear(); // what the one before was shown is not the next one's
          setInvited(null);
        }}
      />
    );
  }
  return (
    <QueryClientProvider client={queries}>
      <Tooltip.Provider delayDuration={350}>
        <RouterProvider router={router} />
      </Tooltip.Provider>
    </QueryClientProvider>
  );
}

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
