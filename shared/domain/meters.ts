/** What is measured: a unit of CloudWatch's, and what it says. All of it is by data set where a value has one. */
export const METERS = {
  RowsReceived: { unit: 'Count', meaning: 'rows of batches that were accepted' },
  RowsKept: { unit: 'Count', meaning: 'rows that clean kept' },
  RowsDuplicate: { unit: 'Count', meaning: 'rows that had come before' },
  RowsRejected: { unit: 'Count', meaning: 'rows that the contract refused' },
  ChunksFailed: { unit: 'Count', meaning: 'chunks that a defect keeps from being cleaned' },
  PostToLedger: { unit: 'Milliseconds', meaning: 'time from the request to the entry of its chunk in the ledger' },
  BatchesUnbalanced: { unit: 'Count', meaning: 'batches that are not balanced in the time that they have' },
  FailuresKept: { unit: 'Count', meaning: 'objects below failed/ and in the failure destination' },
  MailsSent: { unit: 'Count', meaning: 'mails that were handed over' },
  RowsRedriven: { unit: 'Count', meaning: 'refused rows that went through in a redrive' },
} as const satisfies Record<string, { unit: 'Count' | 'Milliseconds'; meaning: string }>;

export type Meter = keyof typeof METERS;
