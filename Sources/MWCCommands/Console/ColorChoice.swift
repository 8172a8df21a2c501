internal import Glibc

/// Whether text for `descriptor` is coloured: `--no-color` and `NO_COLOR` (no-color.org) forbid it,
/// `CLICOLOR_FORCE` (bixense.com/clicolors) demands it, otherwise a terminal decides.
package func usesColor(on descriptor: Int32, forbidden: Bool) -> Bool {
  if forbidden || Console.environment("NO_COLOR") != nil { return false }
  if let force = Console.environment("CLICOLOR_FORCE"), force != "0" { return true }
  if Console.environment("CLICOLOR") == "0" { return false }
  return Console.isTerminal(descriptor)
}
