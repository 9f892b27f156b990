/** A programming exercise as a small model would answer it. */
export interface Exercise {
  /** Matches the question. */
  readonly about: RegExp;
  readonly introduction: string;
  readonly code: string;
  readonly explanation: string;
}

/** The usual exercises of a first Python course. */
export const EXERCISES: readonly Exercise[] = [
  {
    about: /fibonacci/i,
    introduction: 'Here is a function that returns the n-th Fibonacci number:',
    code: `def fibonacci(n: int) -> int:
    """Return the n-th Fibonacci number (fibonacci(0) == 0)."""
    if n < 0:
        raise ValueError("n must not be negative")
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


print([fibonacci(i) for i in range(10)])  # → [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]`,
    explanation: 'It keeps only the last two numbers, so it runs in O(n) time and needs no recursion.',
  },
  {
    about: /prime/i,
    introduction: 'You can test whether a number is prime like this:',
    code: `def is_prime(number: int) -> bool:
    if number < 2:
        return False
    divisor = 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            return False
        divisor += 1
    return True


print([n for n in range(30) if is_prime(n)])  # → [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]`,
    explanation:
      'It is enough to try divisors up to the square root: a larger one would have a smaller partner.',
  },
  {
    about: /\bsort|bubble|quicksort|merge/i,
    introduction: 'Here is quicksort, written for clarity:',
    code: `def quicksort(values: list[int]) -> list[int]:
    if len(values) <= 1:
        return values
    pivot, *rest = values
    smaller = [value for value in rest if value < pivot]
    larger = [value for value in rest if value >= pivot]
    return quicksort(smaller) + [pivot] + quicksort(larger)


print(quicksort([5, 2, 9, 1, 5, 6]))  # → [1, 2, 5, 5, 6, 9]`,
    explanation: 'Each call splits the list around one element, which takes O(n log n) steps on average.',
  },
  {
    about: /palindrome/i,
    introduction: 'This function checks for a palindrome and ignores case and punctuation:',
    code: `def is_palindrome(text: str) -> bool:
    letters = [letter.lower() for letter in text if letter.isalnum()]
    return letters == letters[::-1]


print(is_palindrome("A man, a plan, a canal: Panama"))  # → True`,
    explanation: 'A slice with step -1 gives the reversed list, so one comparison is all it takes.',
  },
  {
    about: /factorial|recurs/i,
    introduction: 'Factorial is the classic example of recursion:',
    code: `def factorial(n: int) -> int:
    if n < 0:
        raise ValueError("n must not be negative")
    if n <= 1:
        return 1
    return n * factorial(n - 1)


print(factorial(10))  # → 3628800`,
    explanation: 'The base case n <= 1 ends the recursion; every other call works on a smaller number.',
  },
  {
    about: /fizz ?buzz/i,
    introduction: 'FizzBuzz, with the combined case first:',
    code: `for number in range(1, 101):
    if number % 15 == 0:
        print("FizzBuzz")
    elif number % 3 == 0:
        print("Fizz")
    elif number % 5 == 0:
        print("Buzz")
    else:
        print(number)`,
    explanation: 'A number that 3 and 5 both divide is divided by 15, so that test has to come first.',
  },
  {
    about: /binary search|search/i,
    introduction: 'Binary search in a sorted list:',
    code: `def binary_search(values: list[int], target: int) -> int | None:
    left, right = 0, len(values) - 1
    while left <= right:
        middle = (left + right) // 2
        if values[middle] == target:
            return middle
        if values[middle] < target:
            left = middle + 1
        else:
            right = middle - 1
    return None


print(binary_search([1, 3, 5, 7, 9], 7))  # → 3`,
    explanation: 'Every step halves the range, so a million values take about twenty comparisons.',
  },
  {
    about: /class|stack|queue|object/i,
    introduction: 'Here is a small class for a stack:',
    code: `class Stack:
    """A last-in, first-out collection."""

    def __init__(self) -> None:
        self._items: list[object] = []

    def push(self, item: object) -> None:
        self._items.append(item)

    def pop(self) -> object:
        if not self._items:
            raise IndexError("pop from an empty stack")
        return self._items.pop()

    def __len__(self) -> int:
        return len(self._items)`,
    explanation: 'The list does the work; the class only allows the operations that a stack should have.',
  },
  {
    about: /word|count|dictionar|frequen/i,
    introduction: 'Count how often each word occurs with a dictionary:',
    code: `def count_words(text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in text.lower().split():
        word = word.strip(".,;:!?\\"'()")
        if word:
            counts[word] = counts.get(word, 0) + 1
    return counts


print(count_words("The cat saw the dog. The dog ran."))  # → {'the': 3, 'cat': 1, …}`,
    explanation: '`dict.get` with a default of 0 avoids a special case for the first occurrence.',
  },
  {
    about: /csv|file|read|json/i,
    introduction: 'The standard library reads CSV files for you:',
    code: `import csv
from pathlib import Path


def average(path: Path, column: str) -> float:
    with path.open(newline="", encoding="utf-8") as file:
        values = [float(row[column]) for row in csv.DictReader(file)]
    if not values:
        raise ValueError(f"no rows in {path}")
    return sum(values) / len(values)


print(f"average: {average(Path('scores.csv'), 'points'):.2f}")`,
    explanation:
      '`DictReader` names the columns from the first line, and `with` closes the file even after an error.',
  },
  {
    about: /celsius|fahrenheit|temperature|convert/i,
    introduction: 'A converter between the two temperature scales:',
    code: `def to_fahrenheit(celsius: float) -> float:
    return celsius * 9 / 5 + 32


def to_celsius(fahrenheit: float) -> float:
    return (fahrenheit - 32) * 5 / 9


for degrees in range(0, 101, 20):
    print(f"{degrees:3d} °C = {to_fahrenheit(degrees):5.1f} °F")`,
    explanation:
      'Both functions are pure, so they are easy to test: converting there and back gives the same number.',
  },
  {
    about: /linked list|node|tree/i,
    introduction: 'A linked list needs a node and a way to walk over it:',
    code: `from dataclasses import dataclass


@dataclass
class Node:
    value: int
    next: "Node | None" = None


def reverse(head: Node | None) -> Node | None:
    previous = None
    while head is not None:
        head.next, previous, head = previous, head, head.next
    return previous`,
    explanation: 'The three references move in one assignment, so nothing is lost on the way.',
  },
  {
    about: /gcd|divisor|euclid/i,
    introduction: "Euclid's algorithm finds the greatest common divisor:",
    code: `def gcd(a: int, b: int) -> int:
    while b != 0:
        a, b = b, a % b
    return abs(a)


print(gcd(84, 36))  # → 12`,
    explanation: 'The remainder shrinks in every round, so the loop always ends.',
  },
  {
    about: /.*/,
    introduction: 'Here is one way to do it, step by step:',
    code: `def summarize(values: list[float]) -> dict[str, float]:
    """Return the smallest, largest and mean value."""
    if not values:
        raise ValueError("values must not be empty")
    return {
        "min": min(values),
        "max": max(values),
        "mean": sum(values) / len(values),
    }


print(summarize([3.5, 1.0, 4.5]))  # → {'min': 1.0, 'max': 4.5, 'mean': 3.0}`,
    explanation: 'Checking the input first gives a clear message instead of a division by zero later.',
  },
];
