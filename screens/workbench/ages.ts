/** Ages in coarse steps, so that a screen that nothing happens on is not redrawn every second. */
export function ageText(ageMs: number): string {
  const s = Math.max(0, Math.floor(ageMs / 1000))
  if (s < 5) return 'just now'
  if (s < 60) return `${Math.floor(s / 5) * 5} s ago`
  if (s < 3600) return `${Math.floor(s / 60)} min ago`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`
  return `${Math.floor(s / 86_400)} d ago`
}

/** Milliseconds after which `ageText` of this age can read differently: when the next redraw is due. */
export function nextAgeStepMs(ageMs: number): number {
  const s = Math.max(0, ageMs / 1000)
  const step = s < 60 ? 5 : s < 3600 ? 60 : s < 86_400 ? 3600 : 86_400
  return Math.max(1000, (step - (s % step)) * 1000)
}
