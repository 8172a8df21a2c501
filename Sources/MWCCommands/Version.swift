/// The version of this package, as `--version` prints it and captures record it.
package let toolVersion = "0.1.0"
