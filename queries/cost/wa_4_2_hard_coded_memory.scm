; 4.2 and 3.3: a function whose memory, and with it its share of a processor, is a number in the code.
((new_expression) @function
  (#construct? @function "aws_lambda.Function")
  (#prop-literal? @function "memorySize"))

; 3.3: a function that takes what Lambda gives where nothing is said.
((new_expression) @function
  (#construct? @function "aws_lambda.Function")
  (#lacks-prop? @function "memorySize"))
