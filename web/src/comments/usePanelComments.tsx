import { useQuery } from "@tanstack/react-query";
import { MessageSquare } from "lucide-react";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { commentsQuery } from "@/api/comments";
import { getAccess } from "@/api/session";
import { MenuItem } from "@/ui/Menu";

const CommentsDialog = lazy(() => import("./CommentsDialog"));

interface PanelComments {
  /** An item of the panel's menu; null where nobody comments. */
  item: ReactNode;
  dialog: ReactNode;
}

/** What is said of a panel of a project's workspace, behind an item of its menu. */
export function usePanelComments(
  entity: string,
  project: string,
  panel: string,
  name: string,
): PanelComments {
  const [open, setOpen] = useState(false);
  const allowed = entity !== "" && getAccess().kind !== "share";
  // One question for all panels of the page: how many threads are open on each.
  const counts = useQuery({
    ...commentsQuery(entity, project, "panel", "."),
    enabled: allowed,
    staleTime: 30_000,
    refetchInterval: false,
    retry: false,
  });
  const count = counts.data?.open.find(({ kind, id }) => kind === "panel" && id === panel)?.open ?? 0;
  if (!allowed) return { item: null, dialog: null };
  return {
    item: (
      <MenuItem
        icon={<MessageSquare size={14} />}
        {...(count > 0 ? { hint: String(count) } : {})}
        onSelect={() => setOpen(true)}
      >
        Comments…
      </MenuItem>
    ),
    dialog: open && (
      <Suspense>
        <CommentsDialog
          entity={entity}
          project={project}
          target={{ kind: "panel", id: panel, part: "" }}
          name={name}
          onClose={() => setOpen(false)}
        />
      </Suspense>
    ),
  };
}
