"""The whole product on one machine: the same functions, an embedded DynamoDB and SQS, a simulated Thinkific."""
