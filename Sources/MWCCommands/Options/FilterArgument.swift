internal import MWCCore

extension FilterExpression {
  /// An expression of the command line. The parser of arguments shows the error as it is, with the
  /// column.
  init(argument: String) throws { self = try FilterExpression(argument) }
}
