import { Link } from "@tanstack/react-router";

export function NotFoundPage() {
  return (
    <main id="main" className="empty">
      <b>There is no such page</b>
      <Link className="button" to="/">
        All projects
      </Link>
    </main>
  );
}
