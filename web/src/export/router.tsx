// Stands for the router in a page that has no other pages: what would lead to one is text, or does nothing.

import type { ReactNode } from "react";

export function Link({ children, className }: { children?: ReactNode; className?: string }) {
  return <span className={className}>{children}</span>;
}

export function useNavigate() {
  return stay;
}

async function stay(): Promise<void> {}
