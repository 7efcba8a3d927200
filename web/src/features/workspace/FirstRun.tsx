/** Shown while a project has nothing to draw. */
export function FirstRun({ entity, project }: { entity: string; project: string }) {
  const code = `import treering as tr

run = tr.init(entity=${JSON.stringify(entity)}, project=${JSON.stringify(project)})
for step in range(100):
    run.log({"train/loss": 1 / (step + 1)})
run.finish()`;
  return (
    <div className="empty">
      <b>No metrics yet</b>
      <span>The first logged number appears here within a second.</span>
      <pre>{code}</pre>
    </div>
  );
}
