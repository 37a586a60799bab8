// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.InputStream;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Methods of every form get instructions, pass the JVM's verifier, and give what they gave before. */
class ClassFileTest {
    private static final String HOOK = ClassFileTest.class.getName().replace('.', '/') + "$Hook";

    /** What the added instructions call. */
    public static final class Hook {
        static int asked;
        static int noted;
        static boolean answer;

        private Hook() {}

        public static boolean ask() {
            asked++;
            return answer;
        }

        public static void note() {
            noted++;
        }
    }

    /** The forms. */
    public static final class Forms {
        private Forms() {}

        public static int plain(int number) {
            return number + 1;
        }

        public static int loopAtTheBegin(int number) {
            while (number < 100) {
                number += 7;
            }
            return number;
        }

        public static int tables(int number) {
            int sum = 0;
            for (int i = 0; i < number; i++) {
                switch (i % 5) {
                    case 0 -> sum += 1;
                    case 1 -> sum += 20;
                    case 2 -> sum += 300;
                    default -> sum += i;
                }
                switch (i * 1000) {
                    case 1000 -> sum -= 3;
                    case 50_000 -> sum -= 4;
                    case -7 -> sum = 0;
                    default -> sum++;
                }
            }
            return sum;
        }

        public static int halfMade(int number) {
            StringBuilder text = new StringBuilder(number > 3 ? "long" : new String(number > 2 ? "b" : "c"));
            return text.append(number).length();
        }

        public static int caught(int number) {
            long many = number;
            try {
                many /= number - 4;
            } catch (ArithmeticException e) {
                many = e.getMessage() == null ? 1 : 2;
            } finally {
                many++;
            }
            return (int) many;
        }

        public static synchronized int far(int number) {
            double a = number * 1.5;
            double b = a * a + 3.25 * a - 1.0 / (a + 0.5) + Math.sqrt(a) * 2.0 + Math.cbrt(a) * 3.0 + a * 4.0 + a * 5.0;
            double c = b * a + 3.25 * b - 1.0 / (b + 0.5) + Math.sqrt(b) * 2.0 + Math.cbrt(b) * 3.0 + b * 4.0 + b * 5.0;
            if (c > 10) {
                b += 1;
            }
            return (int) b;
        }

        public static int several(int number) {
            if (number > 3) {
                return 1;
            }
            return 2;
        }
    }

    private static final List<String> ALL =
            List.of("plain", "loopAtTheBegin", "tables", "halfMade", "caught", "far", "several");

    private record Asks(String name) implements Patch {
        @Override
        public String method() {
            return name + "(I)I";
        }

        @Override
        public void enter(Code code) {
            code.callStatic(HOOK, "ask", "()Z").ifFalseGoOn().callStatic(HOOK, "note", "()V");
        }
    }

    private record Notes(String name) implements Patch {
        @Override
        public String method() {
            return name + "(I)I";
        }

        @Override
        public void leave(Code code) {
            code.callStatic(HOOK, "note", "()V");
        }
    }

    private static byte[] forms() throws Exception {
        try (InputStream in = ClassFileTest.class.getResourceAsStream("ClassFileTest$Forms.class")) {
            assertThat(in).isNotNull();
            return in.readAllBytes();
        }
    }

    private static int call(Class<?> type, String name, int number) throws Exception {
        Method method = type.getMethod(name, int.class);
        return (int) method.invoke(null, number);
    }

    private static void compare(List<Patch> patches, List<String> names, int asked, int noted) throws Exception {
        byte[] patched = ClassFile.patch(forms(), patches);
        Class<?> type = new ClassLoader(ClassFileTest.class.getClassLoader()) {
            Class<?> define() {
                return defineClass(Forms.class.getName(), patched, 0, patched.length);
            }
        }.define();
        for (boolean answer : new boolean[] {false, true}) {
            for (String each : names) {
                for (int number = 0; number < 6; number++) {
                    Hook.asked = 0;
                    Hook.noted = 0;
                    Hook.answer = answer;
                    assertThat(call(type, each, number)).as(each).isEqualTo(call(Forms.class, each, number));
                    assertThat(Hook.asked).isEqualTo(asked);
                    assertThat(Hook.noted).isEqualTo(asked == 0 ? noted : answer ? 1 : 0);
                }
            }
        }
    }

    @Test
    void atTheBegin() throws Exception {
        List<Patch> patches = new ArrayList<>();
        ALL.forEach(each -> patches.add(new Asks(each)));
        compare(patches, ALL, 1, 0);
    }

    @Test
    void beforeTheEnd() throws Exception {
        List<String> names = List.of("plain", "loopAtTheBegin", "tables", "halfMade", "caught", "far");
        List<Patch> patches = new ArrayList<>();
        names.forEach(each -> patches.add(new Notes(each)));
        compare(patches, List.of("plain", "loopAtTheBegin", "tables", "halfMade", "far"), 0, 1);
    }

    @Test
    void whatHasAnotherFormIsRefused() throws Exception {
        byte[] bytes = forms();
        assertThatThrownBy(() -> ClassFile.patch(bytes, List.of(new Notes("several"))))
                .hasMessage("its several(I)I returns in several places");
        assertThatThrownBy(() -> ClassFile.patch(bytes, List.of(new Asks("nobody"))))
                .hasMessage("it has no nobody(I)I");
        assertThatThrownBy(() -> ClassFile.patch(new byte[20], List.of())).isInstanceOf(IllegalStateException.class);
    }
}
