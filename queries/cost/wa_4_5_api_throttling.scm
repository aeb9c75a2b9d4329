; 4.5: an API's limits, written as numbers that hold in every environment.
((pair) @limit
  (#word? @limit "throttlingRateLimit" "throttlingBurstLimit" "rateLimit" "burstLimit"))
