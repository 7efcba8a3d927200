import { orderedAliases } from "./words";

/** The aliases of a version, to look at. */
export function AliasChips({ aliases }: { aliases: readonly string[] }) {
  return (
    <span className="aliases">
      {orderedAliases(aliases).map((alias) => (
        <span key={alias} className={alias === "latest" ? "alias moving" : "alias"}>
          {alias}
        </span>
      ))}
    </span>
  );
}
