import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ArtifactName, editVersion, type VersionDetail, type VersionEdit } from "@/api/artifacts";
import { queryKeys } from "@/api/queries";

/** Changes a version; of two people who change it at once the second is told. */
export function useVersionEdit(artifact: ArtifactName, { version, revision }: VersionDetail) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (edit: VersionEdit) => editVersion(artifact, version, { revision, ...edit }),
    onSettled: () =>
      queries.invalidateQueries({ queryKey: queryKeys.project(artifact.entity, artifact.project) }),
  });
}
