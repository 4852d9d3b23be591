"""The emulator of the local stack: ministack with DynamoDB and SQS alone, guarded, and saved while it runs.

Runs in the emulator's own environment (`.ministack`), which has ministack and the standard library.
"""
