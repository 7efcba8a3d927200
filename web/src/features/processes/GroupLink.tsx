import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

interface GroupLinkProps {
  entity: string;
  project: string;
  group: string;
  className?: string;
  label?: string;
  children: ReactNode;
}

/** To the page of the processes of a group. */
export function GroupLink({ entity, project, group, className, label, children }: GroupLinkProps) {
  return (
    <Link
      to="/$entity/$project/groups/$group"
      params={{ entity, project, group }}
      {...(className ? { className } : {})}
      {...(label ? { "aria-label": label, title: label } : {})}
    >
      {children}
    </Link>
  );
}
