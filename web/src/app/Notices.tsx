import { useQuery } from "@tanstack/react-query";
import { AlertTriangle, Info, OctagonAlert } from "lucide-react";
import { sessionQuery } from "@/api/queries";

const ICONS = {
  info: <Info size={15} />,
  warning: <AlertTriangle size={15} />,
  error: <OctagonAlert size={15} />,
};

const ASKED_EVERY_MS = 30_000;

/** What everybody should know about the server now: a disk that fills, a server that only reads. */
export function Notices() {
  const session = useQuery({ ...sessionQuery, refetchInterval: ASKED_EVERY_MS, staleTime: ASKED_EVERY_MS });
  return session.data?.notices.map(({ level, code, text }) => (
    <p key={code} className={`notice notice-${level}`} role={level === "error" ? "alert" : "status"}>
      {ICONS[level]}
      <span>{text}</span>
    </p>
  ));
}
