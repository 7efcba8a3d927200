/** Text as it was logged. */
export function TextView({ text }: { text: string }) {
  return <div className="text-value">{text}</div>;
}
