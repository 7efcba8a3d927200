import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import {
  BarChart3,
  FileText,
  Folder,
  GitCompare,
  Keyboard,
  LogOut,
  SunMoon,
  Table2,
  Waypoints,
} from "lucide-react";
import { Dialog } from "radix-ui";
import { type ReactNode, useMemo, useState } from "react";
import { endSession, fetchRuns, projectQuery, projectsQuery } from "@/api/queries";
import { RUN_TABS } from "@/features/run/tabs";
import { toggleTheme } from "@/state/theme";
import { changeView } from "@/state/view";
import { StateMark } from "@/ui/StateMark";
import { useDebounced } from "@/ui/useDebounced";

interface CommandPaletteProps {
  entity: string | undefined;
  project: string | undefined;
  /** The run that is open. */
  runId: string | undefined;
  onHelp(): void;
  onClose(): void;
}

interface Item {
  id: string;
  label: string;
  icon: ReactNode;
  mark?: ReactNode;
  run(): void;
}

interface Group {
  heading: string;
  items: Item[];
}

const TYPING_MS = 120;
const SHOWN = 12;

/** Everything by name: projects, runs (asked from the server), panels, and what the keyboard does. */
export default function CommandPalette({ entity, project, runId, onHelp, onClose }: CommandPaletteProps) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [text, setText] = useState("");
  const search = useDebounced(text, TYPING_MS);
  const projects = useQuery(projectsQuery);
  const runs = useQuery({
    queryKey: ["palette", entity, project, search],
    queryFn: ({ signal }) =>
      fetchRuns(
        {
          entity: entity ?? "",
          project: project ?? "",
          ...(search ? { search } : {}),
          offset: 0,
          limit: SHOWN,
        },
        signal,
      ),
    enabled: Boolean(entity && project),
  });
  const keys = useMemo(
    () =>
      entity && project ? (queries.getQueryData(projectQuery(entity, project).queryKey)?.keys ?? []) : [],
    [queries, entity, project],
  );
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const named = ({ label }: Item) => words.every((word) => label.toLowerCase().includes(word));
  const groups: Group[] = [
    {
      heading: "Runs",
      // Found by the server, which also searches ids, tags and notes.
      items: (runs.data?.runs ?? []).map((row) => ({
        id: row.run_key,
        label: row.name,
        icon: <Waypoints size={15} />,
        mark: <StateMark state={row.state} />,
        run: () =>
          void navigate({
            to: "/$entity/$project/runs/$run_id/$tab",
            params: { entity: row.entity, project: row.project, run_id: row.run_id, tab: "overview" },
          }),
      })),
    },
    {
      heading: "This run",
      items:
        entity && project && runId
          ? RUN_TABS.map(
              ({ tab, label }): Item => ({
                id: tab,
                label,
                icon: <FileText size={15} />,
                run: () =>
                  void navigate({
                    to: "/$entity/$project/runs/$run_id/$tab",
                    params: { entity, project, run_id: runId, tab },
                  }),
              }),
            ).filter(named)
          : [],
    },
    {
      heading: "Panels",
      items: keys
        .map(
          ({ key }): Item => ({
            id: key,
            label: key,
            icon: <BarChart3 size={15} />,
            run: () => changeView({ panel: key }),
          }),
        )
        .filter(named)
        .slice(0, SHOWN),
    },
    {
      heading: "Projects",
      items: (projects.data ?? [])
        .map((row): Item => {
          const name = `${row.entity}/${row.project}`;
          const params = { entity: row.entity, project: row.project };
          return {
            id: name,
            label: name,
            icon: <Folder size={15} />,
            run: () => void navigate({ to: "/$entity/$project", params }),
          };
        })
        .filter(named)
        .slice(0, SHOWN),
    },
    {
      heading: "Commands",
      items: [
        { id: "theme", label: "Switch theme", icon: <SunMoon size={15} />, run: toggleTheme },
        { id: "keys", label: "Keyboard shortcuts", icon: <Keyboard size={15} />, run: onHelp },
        {
          id: "end-session",
          label: "End this browser's session",
          icon: <LogOut size={15} />,
          run: () => void endSession(),
        },
        ...(entity && project
          ? [
              {
                id: "runs-table",
                label: "Runs table",
                icon: <Table2 size={15} />,
                run: () => void navigate({ to: "/$entity/$project/runs", params: { entity, project } }),
              },
              {
                id: "seeds",
                label: "Compare configurations over seeds",
                icon: <GitCompare size={15} />,
                run: () =>
                  void navigate({
                    to: "/$entity/$project/compare",
                    params: { entity, project },
                    search: { tab: "seeds" },
                  }),
              },
            ]
          : []),
        {
          id: "projects",
          label: "All projects",
          icon: <Folder size={15} />,
          run: () => void navigate({ to: "/" }),
        },
      ].filter(named),
    },
  ];
  const values = groups.flatMap(({ heading, items }) => items.map(({ id }) => `${heading} ${id}`));
  const [marked, setMarked] = useState("");

  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog palette" aria-describedby={undefined}>
          <Dialog.Title className="visually-hidden">Search and commands</Dialog.Title>
          {/* The server and the filters above decide what matches; cmdk only moves the mark. */}
          <Command
            shouldFilter={false}
            label="Search and commands"
            loop
            // Runs arrive after the letters: the mark must stand on what is listed now.
            value={values.includes(marked) ? marked : (values[0] ?? "")}
            onValueChange={setMarked}
          >
            <Command.Input
              value={text}
              onValueChange={setText}
              placeholder="Search runs, panels, projects…"
            />
            <Command.List>
              <Command.Empty>Nothing found.</Command.Empty>
              {groups
                .filter(({ items }) => items.length > 0)
                .map(({ heading, items }) => (
                  <Command.Group key={heading} heading={heading}>
                    {items.map(({ id, label, icon, mark, run }) => (
                      <Command.Item
                        key={id}
                        value={`${heading} ${id}`}
                        onSelect={() => {
                          onClose();
                          run();
                        }}
                      >
                        {icon}
                        <span>{label}</span>
                        {mark}
                      </Command.Item>
                    ))}
                  </Command.Group>
                ))}
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
