/** Whether a recipe for `disk-bytes` serves `disk-bytes/data`: rules name what they speak of behind a slash. */
export function servesRule(served: string, rule: string): boolean {
  return served === rule || rule.startsWith(`${served}/`)
}

interface Serving {
  readonly id: string
  readonly origin: 'kx' | 'user' | 'project'
  readonly description: { readonly serves: readonly string[] } | null
}

/**
 * The recipe for a finding: one of the project or the user that names its rule, else the one that the finding itself names
 * (the same rule may have several causes, and it knows which), else the first of kx's that names the rule. Null: none.
 */
export function recipeFor<R extends Serving>(
  recipes: readonly R[],
  { rule, recipe }: { readonly rule: string; readonly recipe: string },
): R | null {
  const usable = recipes.filter((each) => each.description !== null)
  const serving = usable.filter((each) => each.description?.serves.some((served) => servesRule(served, rule)) === true)
  return (
    serving.find((each) => each.origin === 'project') ??
    serving.find((each) => each.origin === 'user') ??
    usable.find((each) => each.id === recipe) ??
    serving[0] ??
    null
  )
}
