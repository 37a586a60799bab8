// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaAccess.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaAccess.Predicates.targetOwner;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.lang.ArchRule;
import dev.sysgenid.it.architecture.offences.Offences;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.module.ModuleDescriptor;
import java.net.URI;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The arrows between the modules, and the one place of foreign functions. Each rule is also held against a class that
 * breaks it, so that a rule that would let everything pass is noticed.
 */
class ArchitectureTest {
    private static final String BASE = "dev.sysgenid";

    /** Each module, and the modules it may use: the arrows of the map in ARCHITECTURE.md, with those that follow. */
    private static final Map<String, Set<String>> MAY_USE = Map.of(
            "abi", Set.of(),
            "core", Set.of("abi"),
            "linux", Set.of(),
            "fuse", Set.of("linux"),
            "daemon", Set.of("abi", "core", "linux", "fuse"),
            "cli", Set.of("abi", "core", "linux", "daemon"),
            "client", Set.of("abi"),
            "security", Set.of("client"),
            "agent", Set.of("client", "security"));

    static {
        // The library that reads the classes logs through another one, which else complains that nobody listens.
        System.setProperty("slf4j.internal.verbosity", "ERROR");
    }

    /** What is shipped. */
    private static final JavaClasses SHIPPED = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(BASE)
            .that(not(resideInAPackage(BASE + ".it..")));

    /** What of the client is for newer versions of Java only. */
    private static final JavaClasses NEWER = new ClassFileImporter()
            .importLocations(Set.of(Location.of(URI.create(root("client") + "META-INF/versions/22/"))));

    /** Classes that break each of the rules. */
    private static final JavaClasses OFFENCES = new ClassFileImporter().importPackagesOf(Offences.class);

    static Set<String> modules() {
        return new TreeSet<>(MAY_USE.keySet());
    }

    /** The packages of a module: the client's is the one that all names begin with. */
    private static String inside(String module) {
        return module.equals("client") ? BASE : BASE + "." + module + "..";
    }

    private static Set<String> mayUse(String module) {
        return MAY_USE.getOrDefault(module, Set.of());
    }

    @ParameterizedTest
    @MethodSource("modules")
    void theClassesOfEveryModuleAreLookedAt(String module) {
        assertThat(SHIPPED.that(resideInAPackage(inside(module)))).hasSizeGreaterThan(module.equals("abi") ? 2 : 7);
    }

    // The arrows.

    @ParameterizedTest
    @MethodSource("modules")
    void aModuleUsesNoOtherThanItMay(String module) {
        String[] others = MAY_USE.keySet().stream()
                .filter(other -> !other.equals(module) && !mayUse(module).contains(other))
                .map(ArchitectureTest::inside)
                .toArray(String[]::new);
        if (others.length == 0) {
            return; // it may use them all
        }
        noClasses()
                .that()
                .resideInAPackage(inside(module))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(others)
                .check(SHIPPED);
    }

    /** An arrow that nobody needs any more is a wish, and should go. */
    @Test
    void everyArrowIsInUse() {
        Map<String, Set<String>> used = new TreeMap<>();
        for (JavaClass each : SHIPPED) {
            String from = module(each);
            Set<String> targets = used.computeIfAbsent(from, _ -> new TreeSet<>());
            each.getDirectDependenciesFromSelf().stream()
                    .map(dependency -> dependency.getTargetClass())
                    .filter(target -> target.getPackageName().startsWith(BASE))
                    .map(target -> module(target))
                    .filter(to -> !to.equals(from))
                    .forEach(targets::add);
        }
        assertThat(used).isEqualTo(new TreeMap<>(MAY_USE));
    }

    private static String module(JavaClass each) {
        return module(each.getPackageName());
    }

    /** Of a package, or of a module's declaration: these are named alike. */
    private static String module(String name) {
        if (name.equals(BASE)) {
            return "client";
        }
        String rest = name.substring(BASE.length() + 1);
        int dot = rest.indexOf('.');
        return dot < 0 ? rest : rest.substring(0, dot);
    }

    /** The declarations say the same as the classes; a requirement that no class needs is not declared either. */
    @ParameterizedTest
    @MethodSource("modules")
    void theModulesDeclarationsSayTheSame(String module) {
        Set<String> required = reachable(module);
        assertThat(required).isEqualTo(new TreeSet<>(mayUse(module)));
    }

    /** The project's modules that a module reads: those it requires, and those that these pass on. */
    private static Set<String> reachable(String module) {
        Set<String> modules = new TreeSet<>();
        for (var required : descriptor(module).requires()) {
            if (required.name().startsWith(BASE)) {
                String name = module(required.name());
                modules.add(name);
                modules.addAll(passedOn(name));
            }
        }
        return modules;
    }

    private static Set<String> passedOn(String module) {
        Set<String> modules = new TreeSet<>();
        for (var required : descriptor(module).requires()) {
            if (required.name().startsWith(BASE)
                    && required.modifiers().contains(ModuleDescriptor.Requires.Modifier.TRANSITIVE)) {
                String name = module(required.name());
                modules.add(name);
                modules.addAll(passedOn(name));
            }
        }
        return modules;
    }

    private static ModuleDescriptor descriptor(String module) {
        try (InputStream declaration =
                URI.create(root(module) + "module-info.class").toURL().openStream()) {
            return ModuleDescriptor.read(declaration);
        } catch (IOException e) {
            throw new UncheckedIOException("the module of " + module, e);
        }
    }

    /** Where a module's classes are, in a jar or a directory; ends with a slash. */
    private static String root(String module) {
        JavaClass any =
                SHIPPED.that(resideInAPackage(inside(module))).iterator().next();
        String file = any.getSource().orElseThrow().getUri().toString();
        return file.substring(0, file.length() - (any.getName().replace('.', '/') + ".class").length());
    }

    // Foreign functions.

    /** The one class of the client that calls the system, where it may: an application does not bring the daemon's. */
    private static final String CLIENTS_CALLS = BASE + ".LinuxCalls";

    /** Whoever can bind a function, or make memory out of a number, can do anything to the process. */
    private static final ArchRule FOREIGN_FUNCTIONS = noClasses()
            .that()
            .resideOutsideOfPackage(inside("linux"))
            .and()
            .doNotHaveFullyQualifiedName(CLIENTS_CALLS)
            .should()
            .dependOnClassesThat(belongToAnyOf(Linker.class, SymbolLookup.class))
            .orShould()
            .accessTargetWhere(targetOwner(assignableTo(MemorySegment.class)).and(target(name("reinterpret"))))
            .orShould()
            .accessTargetWhere(targetOwner(assignableTo(AddressLayout.class)).and(target(name("withTargetLayout"))))
            .orShould()
            .accessTargetWhere(targetOwner(assignableTo(System.class))
                    .and(target(name("load")).or(target(name("loadLibrary")))))
            .orShould()
            .accessTargetWhere(targetOwner(assignableTo(Runtime.class))
                    .and(target(name("load")).or(target(name("loadLibrary")))))
            .orShould()
            .dependOnClassesThat(resideInAnyPackage("sun.misc", "jdk.internal.."));

    @Test
    void foreignFunctionsAreCalledInOnePlace() {
        FOREIGN_FUNCTIONS.check(SHIPPED);
        assertThat(SHIPPED.contain(CLIENTS_CALLS)).as("on Java 17").isFalse();
        assertThat(NEWER.contain(CLIENTS_CALLS)).isTrue();
        FOREIGN_FUNCTIONS.check(NEWER);
        breaks(FOREIGN_FUNCTIONS, "bindsAFunction", "looksUpASymbol", "makesMemoryOfANumber", "loadsALibrary");
        assertThat(SHIPPED.that(resideInAPackage(inside("linux"))))
                .as("and there they are")
                .anyMatch(each -> each.getAccessesFromSelf().stream()
                        .anyMatch(access -> access.getTargetOwner().isAssignableTo(Linker.class)));
    }

    @Test
    void noMethodIsNative() {
        ArchRule rule = noMethods().should().haveModifier(JavaModifier.NATIVE);
        rule.check(SHIPPED);
        breaks(rule, "isNative");
    }

    /** Memory as such is harmless: it has bounds. The wire protocol, the pages and the client of the device use it. */
    @Test
    void memorySegmentsMayBeUsedElsewhere() {
        Set<String> users = SHIPPED.stream()
                .filter(each -> each.getDirectDependenciesFromSelf().stream()
                        .anyMatch(dependency -> dependency.getTargetClass().isEquivalentTo(MemorySegment.class)))
                .map(ArchitectureTest::module)
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(users).contains("linux", "fuse", "daemon").doesNotContain("abi", "core");
    }

    // The core.

    /** No I/O, no clock, no thread, no logging: what it does depends on what it is told, and on nothing else. */
    private static final ArchRule PURE = noClasses()
            .that()
            .resideInAnyPackage(inside("core"), inside("abi"), Offences.class.getPackageName())
            .should()
            .dependOnClassesThat(resideInAnyPackage(
                    "java.io..",
                    "java.nio..",
                    "java.net..",
                    "java.time..",
                    "java.lang.foreign..",
                    "java.util.concurrent..",
                    "java.util.logging..",
                    "java.util.random..",
                    "java.security.."))
            .orShould()
            .dependOnClassesThat(belongToAnyOf(
                    Thread.class,
                    ThreadLocal.class,
                    Runtime.class,
                    Process.class,
                    ProcessBuilder.class,
                    System.Logger.class,
                    java.util.Random.class,
                    java.util.Timer.class,
                    java.util.Date.class))
            .orShould()
            .accessTargetWhere(targetOwner(assignableTo(System.class))
                    .and(not(target(name("arraycopy")).or(target(name("identityHashCode"))))))
            .orShould()
            .accessTargetWhere(target(name("printStackTrace")));

    @Test
    void theCoreIsPure() {
        PURE.check(SHIPPED);
        breaks(
                PURE,
                "readsAFile",
                "readsAClock",
                "readsTheTime",
                "startsAThread",
                "prints",
                "logs",
                "drawsANumber",
                "waitsForAnother");
    }

    /** One thread at a time calls it, and whoever calls it sees to that. */
    @Test
    void theCoreLocksNothing() {
        ArchRule rule = noMethods()
                .that()
                .areDeclaredInClassesThat()
                .resideInAnyPackage(inside("core"), inside("abi"), Offences.class.getPackageName())
                .should()
                .haveModifier(JavaModifier.SYNCHRONIZED);
        rule.check(SHIPPED);
        breaks(rule, "isSynchronized");
    }

    // All of it.

    /** A library for it is not needed: the daemon prints lines for people, and systemd keeps them. */
    @Test
    void nothingLogsThroughALibrary() {
        noClasses()
                .should()
                .dependOnClassesThat(resideInAnyPackage("org.slf4j..", "java.util.logging..", "org.apache.."))
                .check(SHIPPED);
    }

    /** What is shipped stands on the JDK; the command line on picocli too; what applications use knows CRaC; the agent has
     * ASM inside, and what the JDK has for operators. */
    @Test
    void nothingElseIsUsed() {
        DescribedPredicate<JavaClass> known = resideInAnyPackage(
                        "java..", "javax.crypto..", "dev.sysgenid..", "org.jspecify..")
                .or(DescribedPredicate.describe("primitive or array", each -> each.isPrimitive() || each.isArray()));
        Map<String, String[]> others = Map.of(
                "cli", new String[] {"picocli..", "com.sun.tools.attach.."},
                "client", new String[] {"org.crac.."},
                "security", new String[] {"org.crac.."},
                "agent", new String[] {"org.objectweb.asm..", "javax.management..", "jdk.jfr.."});
        for (String module : MAY_USE.keySet()) {
            classes()
                    .that()
                    .resideInAPackage(inside(module))
                    .should()
                    .onlyDependOnClassesThat(
                            known.or(resideInAnyPackage(others.getOrDefault(module, new String[] {"java.."}))))
                    .check(SHIPPED);
        }
    }

    /** What applications link against brings them nothing but the JDK, the numbers of the interface, and CRaC if they have it. */
    @Test
    void applicationsLinkAgainstLittle() {
        JavaClasses client = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("dev.sysgenid")
                .that(resideInAPackage("dev.sysgenid"));
        assertThat(client).hasSizeGreaterThan(7);
        classes()
                .should()
                .onlyDependOnClassesThat(
                        resideInAnyPackage("java..", "dev.sysgenid", "dev.sysgenid.abi", "org.crac..", "org.jspecify..")
                                .or(DescribedPredicate.describe(
                                        "primitive or array", each -> each.isPrimitive() || each.isArray())))
                .check(client);
    }

    /** Checks that a rule finds each of these methods of the classes that break the rules. */
    private static void breaks(ArchRule rule, String... methods) {
        assertThatThrownBy(() -> rule.check(OFFENCES))
                .isInstanceOf(AssertionError.class)
                .satisfies(failure -> {
                    for (String method : methods) {
                        assertThat(String.valueOf(failure.getMessage())).contains("." + method + "(");
                    }
                });
    }
}
