import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { BarChart3, Folder, Keyboard, SunMoon, Waypoints } from "lucide-react";
import { Dialog } from "radix-ui";
import { useMemo, useState } from "react";
import { fetchRuns, projectQuery, projectsQuery } from "@/api/queries";
import { toggleTheme } from "@/state/theme";
import { changeView } from "@/state/view";
import { StateMark } from "@/ui/StateMark";
import { useDebounced } from "@/ui/useDebounced";

interface CommandPaletteProps {
  entity: string | undefined;
  project: string | undefined;
  onHelp(): void;
  onClose(): void;
}

const TYPING_MS = 120;
const SHOWN = 12;

/** Everything by name: projects, runs (asked from the server), panels, and what the keyboard does. */
export default function CommandPalette({ entity, project, onHelp, onClose }: CommandPaletteProps) {
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
  const matches = (label: string) => words.every((word) => label.toLowerCase().includes(word));
  const [marked, setMarked] = useState("");
  const act = (action: () => void) => () => {
    onClose();
    action();
  };
  const commands = [
    { label: "Switch theme", icon: <SunMoon size={15} />, run: toggleTheme },
    { label: "Keyboard shortcuts", icon: <Keyboard size={15} />, run: onHelp },
    { label: "All projects", icon: <Folder size={15} />, run: () => void navigate({ to: "/" }) },
  ].filter(({ label }) => matches(label));

  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog palette" aria-describedby={undefined}>
          <Dialog.Title className="visually-hidden">Search and commands</Dialog.Title>
          {/* The server and the lines above decide what matches; cmdk only moves the mark. */}
          <Command
            shouldFilter={false}
            label="Search and commands"
            loop
            // Runs arrive after the letters: the mark must move to what is listed now.
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
              {runs.data && runs.data.runs.length > 0 && (
                <Command.Group heading="Runs">
                  {runs.data.runs.map((row) => (
                    <Command.Item
                      key={row.run_key}
                      value={`run ${row.run_key}`}
                      onSelect={act(() => {
                        void navigate({
                          to: "/$entity/$project/runs/$run_id/$tab",
                          params: {
                            entity: row.entity,
                            project: row.project,
                            run_id: row.run_id,
                            tab: "overview",
                          },
                        });
                      })}
                    >
                      <Waypoints size={15} />
                      <span>{row.name}</span>
                      <StateMark state={row.state} />
                    </Command.Item>
                  ))}
                </Command.Group>
              )}
              <PaletteGroup
                heading="Panels"
                items={keys
                  .filter(({ key }) => matches(key))
                  .slice(0, SHOWN)
                  .map(({ key }) => ({
                    label: key,
                    icon: <BarChart3 size={15} />,
                    run: () => changeView({ panel: key }),
                  }))}
                act={act}
              />
              <PaletteGroup
                heading="Projects"
                items={(projects.data ?? [])
                  .filter((row) => matches(`${row.entity}/${row.project}`))
                  .slice(0, SHOWN)
                  .map((row) => ({
                    label: `${row.entity}/${row.project}`,
                    icon: <Folder size={15} />,
                    run: () =>
                      void navigate({
                        to: "/$entity/$project",
                        params: { entity: row.entity, project: row.project },
                      }),
                  }))}
                act={act}
              />
              <PaletteGroup heading="Commands" items={commands} act={act} />
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

interface PaletteGroupProps {
  heading: string;
  items: readonly { label: string; icon: React.ReactNode; run(): void }[];
  act(action: () => void): () => void;
}

function PaletteGroup({ heading, items, act }: PaletteGroupProps) {
  if (items.length === 0) return null;
  return (
    <Command.Group heading={heading}>
      {items.map(({ label, icon, run }) => (
        <Command.Item key={label} value={`${heading} ${label}`} onSelect={act(run)}>
          {icon}
          <span>{label}</span>
        </Command.Item>
      ))}
    </Command.Group>
  );
}
