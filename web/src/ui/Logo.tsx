/** Three growth rings. */
export function Logo({ size }: { size: number }) {
  return (
    <svg className="logo" width={size} height={size} viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <g stroke="currentColor" strokeLinecap="round" strokeWidth="1.7">
        <circle cx="12" cy="12" r="10" />
        <path d="M18.3 12.2a6.4 6.4 0 1 1-4.1-6.1" />
        <path d="M9.2 12.6a3 3 0 1 1 2.6 2.2" />
      </g>
    </svg>
  );
}
