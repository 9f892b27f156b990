/** One task of the code-generation exercise. */
export interface ExerciseTask {
  title: string;
  prompt: string;
}

/** What the trainer tells the model before every task. */
export const EXERCISE_SYSTEM_PROMPT =
  'You are a patient programming tutor. Answer with one short Python function and two sentences about how it works.';

/** The code-generation exercise of the class: small functions, each with a name, so that answers can be compared. */
export const EXERCISE: readonly ExerciseTask[] = [
  {
    title: 'fizzbuzz',
    prompt: 'Write a Python function fizzbuzz(n) that returns the FizzBuzz words from 1 to n as a list.',
  },
  {
    title: 'palindrome',
    prompt: 'Write a Python function is_palindrome(text) that ignores case, spaces and punctuation.',
  },
  {
    title: 'quicksort',
    prompt: 'Write a Python function quicksort(items) that returns a sorted copy, without using sorted().',
  },
  {
    title: 'word count',
    prompt:
      'Write a Python function count_words(path) that returns the ten most frequent words of a text file.',
  },
  {
    title: 'binary search',
    prompt: 'Write a Python function binary_search(items, wanted) that returns the index or None.',
  },
  {
    title: 'csv sums',
    prompt: 'Write a Python function sum_column(path, column) that adds up one column of a CSV file.',
  },
  {
    title: 'primes',
    prompt: 'Write a Python generator primes(limit) that yields the primes below limit with a sieve.',
  },
  {
    title: 'fibonacci',
    prompt:
      'Write a Python function fibonacci(n) with memoisation, and say why it is faster than plain recursion.',
  },
  {
    title: 'matrix',
    prompt:
      'Write a Python function transpose(matrix) for a list of lists, with a check that all rows are equally long.',
  },
  {
    title: 'http get',
    prompt:
      'Write a Python function fetch_json(url) with the standard library, a time-out and a clear error.',
  },
  { title: 'roman numerals', prompt: 'Write a Python function to_roman(number) for numbers from 1 to 3999.' },
  {
    title: 'bank account',
    prompt:
      'Write a small Python class Account with deposit, withdraw and a balance that never becomes negative.',
  },
];

/** The task of a student in a round: neighbours work on different tasks. */
export function taskFor(studentIndex: number, round: number): ExerciseTask {
  const task = EXERCISE[(studentIndex + round) % EXERCISE.length];
  if (task === undefined) {
    throw new RangeError(`no task for student ${studentIndex} in round ${round}`);
  }
  return task;
}
