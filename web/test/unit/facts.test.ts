import { expect, it } from "vitest";
import type { RunDetail } from "@/api/types";
import { factsOf } from "@/features/run/facts";

const run = (meta: Record<string, unknown>) => ({ meta, host: "node-7" }) as unknown as RunDetail;

it("what is known of a run is sorted into groups, and nothing is lost", () => {
  const facts = factsOf(
    run({
      command: "train.py --lr 0.1",
      python: "3.11.7",
      git: {
        commit: "a".repeat(40),
        branch: null,
        detached: true,
        dirty: true,
        remote: "git@example.org:a/b",
      },
      hardware: {
        cpu: "EPYC",
        cpu_cores: 8,
        memory_bytes: 2 ** 34,
        gpus: [{ name: "H100", memory_bytes: 2 ** 36 }],
      },
      packages: { count: 73 },
      arguments: { source: "argparse", keys: ["lr"] },
      inputs: [{ name: "train", digest: "sha256:1", source: "s3://b", kind: "folder" }],
      hidden: [{ where: "config", count: 2 }],
      cluster: { job: 17 },
    }),
  );

  expect(facts.start.map(({ name }) => name)).toEqual(["command", "python"]);
  expect(facts.git.map(({ value }) => value)).toContain("none (detached)");
  expect(facts.machine.map(({ name, value }) => `${name}: ${value}`)).toEqual([
    "host: node-7",
    "CPU: EPYC",
    "cores: 8",
    "memory: 16 GiB",
    "gpu 0: H100 · 64 GiB",
  ]);
  expect([facts.packages, facts.argumentsFrom]).toEqual([73, "argparse"]);
  expect(facts.inputs).toEqual([{ name: "train", digest: "sha256:1", about: "folder · s3://b" }]);
  expect(facts.hidden).toEqual([{ where: "config", count: 2 }]);
  expect(facts.rest).toEqual([{ name: "cluster.job", value: "17", mono: true }]);
});

it("records of odd shapes break nothing", () => {
  const facts = factsOf(run({ git: "none", hardware: null, inputs: "x", hidden: {}, packages: 3 }));

  expect([facts.git, facts.inputs, facts.hidden, facts.packages]).toEqual([[], [], [], null]);
});
