/** Whether a recipe for `disk-bytes` serves `disk-bytes/data`: rules name what they speak of behind a slash. */
export function servesRule(served: string, rule: string): boolean {
  return served === rule || rule.startsWith(`${served}/`)
}
